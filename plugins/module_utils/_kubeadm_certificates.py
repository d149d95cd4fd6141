# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A master's certificates: the API server's issued anew, or all renewed and what uses them started again."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_config as config
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import (
    RUN_DIR,
    kubeadm,
    ready,
    restart_kubelet,
    secret_file,
    settle,
    wait_until,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import (
    KUBERNETES,
    MANIFESTS,
    PKI,
    admin_api,
    fingerprint,
    read_text,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiRefused

BACKUPS = KUBERNETES / "backups"
STASH = KUBERNETES / "restarting"
"""Where a static pod's manifest is while its pod ends. What an ended run has left there is put back first."""
PODS = ("kube-vip", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
"""Static pods that read certificates when they start. Each is named as its program.

kube-vip is the first: when it ends it gives the VIP to another master, which has it before the API server here ends.
"""
PROC = Path("/proc")
KUBEADM_CONFIG = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"

_NOT_KUBEADMS = (
    "kubeadm-config in kube-system does not look as kubeadm writes it, so its apiServer.certSANs are not changed: write "
    "it out with kubeadm config migrate, and put that back"
)

Run = Callable[[list[str]], tuple[int, str]]


def reissue(run: Run, clock: Clock, address: str, name: str, cluster: Mapping[str, Any], timeout: float) -> str:
    """A new certificate of the API server with the cluster's names; the folder that holds the old one.

    The API server reads a changed file by itself, so nothing is started again.
    """
    # First, as the certificate tells the next run whether there is something to do.
    remember_names(run, address, cluster)
    backup = back_up(["apiserver.crt", "apiserver.key"])
    made = RUN_DIR / "certificates"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)
    try:
        # Made aside and then put into place, so that there is a certificate at every moment.
        for part in ("ca.crt", "ca.key"):
            (made / part).symlink_to(PKI / part)
        documents = [
            {
                "apiVersion": config.API_VERSION,
                "kind": "InitConfiguration",
                "localAPIEndpoint": {"advertiseAddress": address, "bindPort": config.API_PORT},
                "nodeRegistration": {"name": name},
            },
            {**config.cluster_configuration(cluster), "certificatesDir": str(made)},
        ]
        with secret_file("certificates.json", config.documents(documents)) as path:
            kubeadm(run, "init", "phase", "certs", "apiserver", "--config", path)
        for part in ("apiserver.key", "apiserver.crt"):
            shutil.copy2(made / part, PKI / f"{part}.new")
            os.replace(PKI / f"{part}.new", PKI / part)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    wanted = fingerprint(read_text(PKI / "apiserver.crt") or "")
    wait_until(clock, timeout, "the API server to serve its new certificate", lambda: served(address) == wanted)
    return backup


def remember_names(run: Run, address: str, cluster: Mapping[str, Any]) -> None:
    """The names in the configuration that kubeadm keeps in the cluster. The rest of it may be others' and stays."""
    api = admin_api(address)
    try:
        kept = api.get(KUBEADM_CONFIG)
    except ApiRefused as error:
        if error.status != 404:
            raise
        documents = [
            {"apiVersion": config.API_VERSION, "kind": "InitConfiguration"},
            config.cluster_configuration(cluster),
        ]
        with secret_file("upload-config.json", config.documents(documents)) as path:
            kubeadm(run, "init", "phase", "upload-config", "kubeadm", "--config", path)
        return
    before = (kept.get("data") or {}).get("ClusterConfiguration") or ""
    after = with_names(before, cluster["certificate_names"])
    if after != before:
        version = {"resourceVersion": kept["metadata"]["resourceVersion"]}
        api.patch(KUBEADM_CONFIG, {"metadata": version, "data": {"ClusterConfiguration": after}})


def with_names(text: str, names: Sequence[str]) -> str:
    """kubeadm's ClusterConfiguration, as kubeadm writes it, with these names for the API server's certificate. Pure.

    As text, since nodes need not have a YAML library. Raises InfraError if it does not look as kubeadm writes it.
    """
    lines = text.splitlines()
    wanted = ["  certSANs:", *(f"  - {json.dumps(name)}" for name in names)]
    starts = [number for number, line in enumerate(lines) if re.fullmatch(r"apiServer:( \{\})?", line)]
    if "kind: ClusterConfiguration" not in lines or len(starts) != 1:
        raise InfraError(_NOT_KUBEADMS)
    (start,) = starts
    end = next(
        (number for number, line in enumerate(lines) if number > start and line[:1] not in (" ", "")), len(lines)
    )
    others: list[str] = []
    skipping = False
    for line in lines[start + 1 : end]:
        skipping = line == "  certSANs:" or (skipping and line.startswith(("  - ", "   ")))
        if not skipping and line != "  certSANs: []":
            others.append(line)
    if any("certSANs" in line for line in others):
        raise InfraError(_NOT_KUBEADMS)
    return "\n".join([*lines[:start], "apiServer:", *wanted, *others, *lines[end:]]) + "\n"


def renew(run: Run, clock: Clock, address: str, name: str, timeout: float) -> str:
    """Renews every certificate of this master, and starts its static pods again one after the other.

    A master that is part of a working cluster is one again after each of them.
    """
    put_back()
    # Where certificates have ended, no part works until enough masters have new ones.
    works = ready(address)
    parts = [str(path.relative_to(PKI)) for path in PKI.rglob("*") if path.is_file()]
    backup = back_up(parts, [path.name for path in KUBERNETES.glob("*.conf")])
    kubeadm(run, "certs", "renew", "all")
    if not works:
        restart_all(run, clock, timeout)
        return backup
    for pod in PODS:
        if (MANIFESTS / f"{pod}.yaml").exists():
            restart(clock, pod, timeout)
            settle(clock, {"name": name, "address": address}, timeout)
    return backup


def restart_all(run: Run, clock: Clock, timeout: float) -> None:
    """Ends all static pods at once, and lets the kubelet start them without the wait that earlier failures would cost."""
    STASH.mkdir(mode=0o700, exist_ok=True)
    for pod in PODS:
        if (MANIFESTS / f"{pod}.yaml").exists():
            os.replace(MANIFESTS / f"{pod}.yaml", STASH / f"{pod}.yaml")
    try:
        wait_until(clock, timeout, "the control plane to end", lambda: not any(map(processes, PODS)))
    finally:
        put_back()
    restart_kubelet(run)


def restart(clock: Clock, pod: str, timeout: float) -> None:
    """Ends a static pod by taking its manifest away, and puts that back.

    Its process is watched, since its ports and their addresses are the site's to choose. Without one there is nothing to
    end: the kubelet is about to start it, or lets it wait for minutes where it has failed often, and it reads what is new then.
    """
    before = processes(pod)
    if not before:
        return
    manifest, aside = MANIFESTS / f"{pod}.yaml", STASH / f"{pod}.yaml"
    STASH.mkdir(mode=0o700, exist_ok=True)
    os.replace(manifest, aside)
    try:
        wait_until(clock, timeout, f"{pod} to end", lambda: bool(before - processes(pod)))
    finally:
        os.replace(aside, manifest)
    wait_until(clock, timeout, f"{pod} to run again", lambda: bool(processes(pod) - before))


def processes(program: str) -> set[tuple[int, str]]:
    """Number and start of every process that runs a program."""
    found = set()
    for folder in PROC.glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")[0].decode("utf-8", "replace")
            started = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        except OSError:  # it has just ended
            continue
        if os.path.basename(command) == program:
            found.add((int(folder.name), started))
    return found


def put_back() -> list[str]:
    """Puts manifests back that an ended run has left aside; the names of the static pods."""
    found = sorted(STASH.glob("*.yaml"))
    for path in found:
        if (MANIFESTS / path.name).exists():  # somebody has made it anew meanwhile
            path.unlink()
        else:
            os.replace(path, MANIFESTS / path.name)
    return [path.stem for path in found]


def back_up(certificates: list[str], kubeconfigs: list[str] | None = None) -> str:
    """Copies of files of the PKI and of kubeconfigs, for root alone; their folder."""
    folder = BACKUPS / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for part in certificates:
        target = folder / "pki" / part
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(PKI / part, target)
    for part in kubeconfigs or []:
        shutil.copy2(KUBERNETES / part, folder / part)
    BACKUPS.chmod(0o700)
    return str(folder)


def served(address: str) -> str | None:
    """The fingerprint of the certificate that the API server shows."""
    try:
        return fingerprint(ssl.get_server_certificate((address, config.API_PORT), timeout=5))
    except OSError:
        return None
