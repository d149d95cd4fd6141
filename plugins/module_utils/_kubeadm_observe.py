# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node is to a cluster, read on the node in one go: its files, the API as it sees it, etcd's members.

Reading only. What follows from the answers of all nodes together is decided in ``_cluster_plan``.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_workload import KUBEADM, kept_value
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_config import API_PORT
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import (
    ApiRefused,
    ApiUnreachable,
    Credentials,
    HttpsJson,
    secret_files,
)
from ansible_collections.detectviz.infra.plugins.module_utils._lab_marks import read_marks
from ansible_collections.detectviz.infra.plugins.module_utils._neighbours import own_macs
from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import plain_name

KUBERNETES = Path("/etc/kubernetes")
PKI = KUBERNETES / "pki"
MANIFESTS = KUBERNETES / "manifests"
STOPPED = KUBERNETES / "detectviz-stopped"
"""Manifests of static pods that are not to run while etcd's data is put back."""
ETCD_DATA = Path("/var/lib/etcd/member")
KUBELET_PKI = Path("/var/lib/kubelet/pki")
CLIENT_CERTIFICATE = KUBELET_PKI / "kubelet-client-current.pem"
SERVING_CERTIFICATE = KUBELET_PKI / "kubelet-server-current.pem"
UNFINISHED = Path("/var/lib/detectviz-infra/kubeadm-unfinished.json")
"""Written before kubeadm begins and removed when it has ended well: what of a node's files a run of ours began."""

ETCD_LOGS = Path("/var/log/pods")
ETCD_RETRY = 360
"""Seconds. The kubelet starts a container that ends again and again at least every five minutes."""
DATA_FOLDERS = ("/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet")
"""Where a node of a cluster writes most."""
CONTROL_PLANE_PODS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
ETCD_PORT = 2379
KUBELET_HEALTH_PORT = 10248
POLL = 1.0

ETCD_CLIENT = Credentials(
    ca=str(PKI / "etcd/ca.crt"),
    certificate=str(PKI / "apiserver-etcd-client.crt"),
    key=str(PKI / "apiserver-etcd-client.key"),
)

KUBECONFIG_FIELDS = {
    "ca": "certificate-authority-data",
    "certificate": "client-certificate-data",
    "key": "client-key-data",
}

Run = Callable[[list[str]], tuple[int, str]]
"""Runs a command: its exit code and what it printed. A program that is not installed is code 127."""


def observe(run: Run, clock: Clock, address: str, endpoints: Sequence[str], wait: float) -> dict[str, Any]:
    """``address``: the node's own on the cluster's network. ``endpoints``: every address to ask for a cluster.

    A node that has etcd's data, on which nothing answers, may only be starting: it is given ``wait`` seconds.
    Shape: see the module ``kubeadm_node``.
    """
    local = local_state(run)
    limit = clock.monotonic() + (wait if local["etcd_data"] and not local["unfinished"] else 0)
    while True:
        answers = ask_endpoints(endpoints)
        view = cluster_view(address) if local["ca"] and local["control_plane"] else {"error": "no control-plane node"}
        if view.get("nodes") is not None or clock.monotonic() >= limit:
            alone = "etcd" in local["manifests"] and view.get("nodes") is None
            etcd = etcd_view(HttpsJson(address, ETCD_PORT, ETCD_CLIENT)) if alone else None
            failure = etcd_failure() if alone and etcd is None else None
            return {**local, "address": address, "answers": answers, "view": view, "etcd": etcd, "etcd_failure": failure}
        clock.sleep(POLL)


def local_state(run: Run) -> dict[str, Any]:
    """The node's own files and its kubelet."""
    ca = read_text(PKI / "ca.crt")
    return {
        "kubeadm": kubeadm_version(run),
        "ca": fingerprint(ca) if ca else None,
        "kubelet_configured": (KUBERNETES / "kubelet.conf").exists(),
        "kubelet_healthy": kubelet_healthy(),
        "serving_certificate": SERVING_CERTIFICATE.exists(),
        "control_plane": (PKI / "apiserver.crt").exists(),
        "manifests": [name for name in CONTROL_PLANE_PODS if (MANIFESTS / f"{name}.yaml").exists()],
        "stopped": [name for name in CONTROL_PLANE_PODS if (STOPPED / f"{name}.yaml").exists()],
        "etcd_data": ETCD_DATA.is_dir(),
        "super_admin": (KUBERNETES / "super-admin.conf").exists(),
        "unfinished": unfinished(),
        "room": {path: free_bytes(Path(path)) for path in DATA_FOLDERS},
        "certificates": certificates(),
        "macs": own_macs(),
        "marks": read_marks(run),
    }


def kubeadm_version(run: Run) -> str | None:
    """``v1.36.3``; None where kubeadm is not installed."""
    code, text = run(["kubeadm", "version", "-o", "short"])
    return text.strip() if code == 0 else None


def unfinished() -> str | None:
    """The step that a run has begun and not ended, ``init`` or ``join``."""
    return str(begun()["step"]) if read_text(UNFINISHED) else None


def begun() -> dict[str, Any]:
    """What was written down of the step that a run has begun: ``step`` and what else it needs to go on; empty without one."""
    text = read_text(UNFINISHED)
    try:
        return {"step": "unknown", **json.loads(text)} if text else {}
    except (ValueError, TypeError):
        return {"step": "unknown"}


def free_bytes(path: Path) -> int:
    """What an ordinary user could still write there, or where the folder would be made."""
    there = next(folder for folder in [path, *path.parents] if folder.exists())
    found = os.statvfs(there)
    return found.f_bavail * found.f_frsize


def kubelet_healthy() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", KUBELET_HEALTH_PORT, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def certificates() -> dict[str, str]:
    """PEM of every certificate that expires, by its file; the controller reads dates and names from them."""
    found = kubelet_certificates()
    for path in [*sorted(PKI.glob("*.crt")), *sorted(PKI.glob("etcd/*.crt"))]:
        found[str(path)] = read_text(path) or ""
    for path in sorted(KUBERNETES.glob("*.conf")):
        certificate = client_certificate(read_text(path) or "")
        if certificate is not None:
            found[str(path)] = certificate
    return found


def kubelet_certificates() -> dict[str, str]:
    """PEM of the kubelet's own certificates, by their files; those that are there. Their files hold the key too: it stays."""
    texts = {path: read_text(path) for path in (CLIENT_CERTIFICATE, SERVING_CERTIFICATE)}
    return {str(path): first_certificate(text) or "" for path, text in texts.items() if text is not None}


def client_certificate(kubeconfig: str) -> str | None:
    """The certificate that a kubeconfig holds for its user; None if it holds none. What cannot be read is an empty one."""
    match = re.search(r"\bclient-certificate-data: (\S+)", kubeconfig)
    if match is None:
        return None
    try:
        return base64.b64decode(match[1]).decode("ascii", "replace")
    except ValueError:
        return ""


def first_certificate(pem: str) -> str | None:
    """The first certificate in a PEM text, without what else is in it."""
    match = re.search(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL)
    return f"{match[0]}\n" if match else None


def fingerprint(pem: str) -> str | None:
    """SHA-256 of the first certificate in a PEM text; None if there is none."""
    certificate = first_certificate(pem)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest() if certificate else None


def read_text(path: Path) -> str | None:
    """The text of a file, also of a damaged one; None if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def ask_endpoints(endpoints: Sequence[str], timeout: float = 3) -> list[str]:
    """Those of the addresses at which anything answers as an API server, whoever's it is."""
    if not endpoints:
        return []
    with ThreadPoolExecutor(len(endpoints)) as pool:
        answers = pool.map(lambda address: answers_at(address, timeout), endpoints)
        return [address for address, answered in zip(endpoints, answers) if answered]


def answers_at(address: str, timeout: float) -> bool:
    try:
        HttpsJson(address, API_PORT, Credentials(), timeout).get("/version")
    except ApiRefused:
        return True
    except ApiUnreachable:
        return False
    return True


def cluster_view(address: str) -> dict[str, Any]:
    """The cluster as this node's own API server and etcd tell it: ``nodes``, ``members`` and ``version``, or ``error``."""
    try:
        api = admin_api(address)
        nodes = [node_summary(item) for item in api.get("/api/v1/nodes")["items"]]
        return {"nodes": nodes, "members": members(address), "version": kept_version(api)}
    except InfraError as error:
        return {"error": str(error)}


def kept_version(api: HttpsJson) -> str | None:
    """The version that kubeadm keeps for the cluster, and gives a control plane that joins; None where it keeps none."""
    try:
        kept = (api.get(KUBEADM).get("data") or {}).get("ClusterConfiguration") or ""
    except ApiRefused:
        return None
    return kept_value(kept, "kubernetesVersion")


def etcd_view(etcd: HttpsJson) -> dict[str, Any] | None:
    """As :func:`own_view`; None where no member answers."""
    try:
        return own_view(etcd)
    except InfraError:
        return None


def own_view(etcd: HttpsJson) -> dict[str, Any]:
    """What a member of etcd says by itself, without a majority too: the members it knows, whether it has a leader, and the ids of
    its cluster and of itself."""
    status = etcd.post("/v3/maintenance/status", {})
    return {
        "members": listed_members(etcd, agreed=False),
        "leader": (status.get("leader") or "0") != "0",
        "cluster": status["header"]["cluster_id"],
        "id": status["header"]["member_id"],
    }


def admin_api(address: str) -> HttpsJson:
    """The node's own API server, as the administrator whose kubeconfig kubeadm has left on the node.

    That the file is there says nothing: it may be empty, or cut off by a crash or a full disk.
    """
    path = KUBERNETES / "admin.conf"
    text = read_text(path)
    if text is None:
        raise ApiUnreachable(f"{path} is not there")
    found = {key: re.search(rf"\b{field}: (\S+)", text) for key, field in KUBECONFIG_FIELDS.items()}
    try:
        data = {key: base64.b64decode(match[1]) for key, match in found.items() if match}
        if len(data) < len(KUBECONFIG_FIELDS):
            raise ValueError("it has not all of a kubeconfig")
        with secret_files(**data) as paths:
            return HttpsJson(address, API_PORT, Credentials(**paths))
    except (ValueError, ApiUnreachable) as error:
        raise ApiUnreachable(
            f"{path} is empty or damaged ({error}): copy that of another master there, or move it away and run kubeadm init "
            "phase kubeconfig admin on the node"
        ) from error


def node_summary(node: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a node object that decisions need."""
    status, metadata = node.get("status") or {}, node["metadata"]
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or []}
    return {
        "name": metadata["name"],
        "ready": conditions.get("Ready") == "True",
        "addresses": [item["address"] for item in status.get("addresses") or [] if item["type"] == "InternalIP"],
        "control_plane": "node-role.kubernetes.io/control-plane" in (metadata.get("labels") or {}),
    }


def etcd_failure() -> str | None:
    """Why etcd's container ended, out of its newest log; None if that does not tell, or is of another time."""
    logs = {path: path.stat().st_mtime for path in ETCD_LOGS.glob("kube-system_etcd-*/etcd/*.log")}
    newest = max(logs, key=lambda path: logs[path], default=None)
    if newest is None or time.time() - logs[newest] > ETCD_RETRY:
        return None
    return failure_in(read_text(newest) or "")


def failure_in(log: str) -> str | None:
    """The last line of level fatal or panic in a log as the container runtime keeps it: time, stream, tag, etcd's JSON."""
    for line in reversed(log.splitlines()):
        try:
            entry = json.loads(line.split(" ", 3)[3])
            level, message, error = entry["level"], entry["msg"], entry.get("error")
        except (IndexError, ValueError, KeyError, TypeError):
            continue
        if level in ("fatal", "panic"):
            return f"{message}: {error}" if error else str(message)
    return None


def members(address: str) -> list[dict[str, Any]]:
    """etcd's members as this node's own one tells them."""
    return listed_members(HttpsJson(address, ETCD_PORT, ETCD_CLIENT))


def listed_members(etcd: HttpsJson, agreed: bool = True) -> list[dict[str, Any]]:
    """id, name (empty until it has started once), address and whether it only learns. ``agreed``: by the majority."""
    answer = etcd.post("/v3/cluster/member/list", {"linearizable": agreed})
    return [
        {
            "id": item["ID"],
            "name": item.get("name") or "",
            "address": peer_address((item.get("peerURLs") or [""])[0]),
            "learner": bool(item.get("isLearner")),
        }
        for item in answer.get("members") or []
    ]


def peer_address(url: str) -> str:
    """``https://192.0.2.1:2380`` → ``192.0.2.1``."""
    return plain_name(url.partition("://")[2].rpartition(":")[0].strip("[]"))


def has_leftovers() -> bool:
    """Whether anything of a cluster is on this node."""
    return any(os.path.exists(path) for path in (ETCD_DATA, PKI / "ca.crt", KUBERNETES / "kubelet.conf"))


def kubeadm_wrote() -> bool:
    """Whether kubeadm has written anything on this node; its checks come before that."""
    files = [*PKI.rglob("*"), *KUBERNETES.glob("*.conf"), *(MANIFESTS / f"{name}.yaml" for name in CONTROL_PLANE_PODS)]
    return ETCD_DATA.exists() or any(path.is_file() for path in files)
