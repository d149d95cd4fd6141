# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node needs to join, made fresh on a master: a token, the CA, and for masters the key of the certificates."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_config as config
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import kubeadm, new_token, secret_file
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import MANIFESTS, PKI, admin_api

JOINERS = "system:bootstrappers:kubeadm:default-node-token"
Run = Callable[[list[str]], tuple[int, str]]


def token_secret(token: str, expires: datetime.datetime) -> dict[str, Any]:
    """The Secret that is a bootstrap token: good for joining a node, and for nothing else."""
    identity, _dot, secret = token.partition(".")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": f"bootstrap-token-{identity}", "namespace": "kube-system"},
        "stringData": {
            "token-id": identity,
            "token-secret": secret,
            "expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "usage-bootstrap-authentication": "true",
            "auth-extra-groups": JOINERS,
            "description": "made by detectviz.infra for one run",
        },
    }


def join_material(
    run: Run, now: float, address: str, cluster: Mapping[str, Any], control_plane: bool, minutes: int
) -> dict[str, Any]:
    """Runs on a master. Everything in it but the endpoint is secret, or decides whom the joiner trusts."""
    # What is missing is told before anything is made.
    ca = needed(PKI / "ca.crt")
    encryption = encryption_file() if control_plane else ""
    token = new_token()
    expires = datetime.datetime.fromtimestamp(now, datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    admin_api(address).post("/api/v1/namespaces/kube-system/secrets", token_secret(token, expires))
    material = {
        "token": token,
        "ca_certificate": ca,
        "endpoint": cluster["endpoint"],
        "certificate_key": "",
        "encryption_configuration": "",
    }
    if control_plane:
        key = os.urandom(32).hex()
        with secret_file("upload.json", config.documents(config.upload_certs_configuration(cluster, key))) as path:
            kubeadm(run, "init", "phase", "upload-certs", "--upload-certs", "--config", path)
        material["certificate_key"] = key
        material["encryption_configuration"] = encryption
    return material


def encryption_file() -> str:
    """How the API server here encrypts Secrets; "" if it does not with that file, as in a cluster that others made."""
    used = config.ENCRYPTION_FILE in needed(MANIFESTS / "kube-apiserver.yaml")
    return needed(Path(config.ENCRYPTION_FILE)) if used else ""


def needed(path: Path) -> str:
    """The text of a file without which nobody can join. Raises InfraError."""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise InfraError(
            f"{path} cannot be read ({error}), and a node that joins needs the same: put it there, or let another master "
            "of the cluster be the one that hands it out"
        ) from error
