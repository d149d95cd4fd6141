# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeadm upgrade on one node: what is read before, and the step itself. What was begun is written down first."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_config as config
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as kubeadm_node
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as node_state
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._image_names import tag_of
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_certificates import processes, restart
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import (
    kubeadm,
    ready,
    secret_file,
    wait_until,
    write_private,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import HttpsJson

MARK = Path("/var/lib/detectviz-infra/kubeadm-upgrade.json")
"""Written before kubeadm begins and removed when the node is whole in its new version."""
KUBEADM_BACKUPS = node_state.KUBERNETES / "tmp"
"""Where kubeadm moves a manifest before the new one takes its place."""
IMAGE = re.compile(r"^\s*(?:- )?image: [\"']?(\S+?)[\"']?\s*$", re.M)
DEPRECATED = "apiserver_requested_deprecated_apis"
VERSIONED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""Static pods whose image has the version of Kubernetes as its tag."""
APPLY, NODE = "apply", "node"

Run = Callable[[list[str]], tuple[int, str]]


def observe(run: Run, address: str) -> dict[str, Any]:
    """The versions of one node; shape: see the module ``kubeadm_upgrade``. Reading only."""
    master = (node_state.KUBERNETES / "admin.conf").exists()
    return {
        "kubeadm": node_state.kubeadm_version(run),
        "kubelet": kubelet_version(run),
        "static_pods": static_pods(),
        "begun": begun(),
        "api_server": api_version(address) if master else None,
        "deprecated": deprecated_apis(address) if master else [],
        "etcd_problem": etcd_problem(address) if master else None,
    }


def kubelet_version(run: Run) -> str | None:
    """``v1.36.3``; None where the kubelet is not installed."""
    code, text = run(["kubelet", "--version"])
    return text.split()[-1] if code == 0 and text.split() else None


def static_pods() -> dict[str, str]:
    """Tag of the image in the manifest of each static pod of the control plane."""
    found = {}
    for name in node_state.CONTROL_PLANE_PODS:
        match = IMAGE.search(node_state.read_text(node_state.MANIFESTS / f"{name}.yaml") or "")
        if match:
            found[name] = tag_of(match[1])
    return found


def begun() -> dict[str, str] | None:
    """The ``command`` and ``version`` of an upgrade that a run has begun on this node and not ended."""
    text = node_state.read_text(MARK)
    if not text:
        return None
    try:
        told = json.loads(text)
        return {"command": str(told["command"]), "version": str(told["version"])}
    except (ValueError, KeyError, TypeError):
        return {"command": NODE, "version": "unknown"}


def api_version(address: str) -> str | None:
    """Version of the node's own API server; None if it does not answer."""
    try:
        return str(node_state.admin_api(address).get("/version")["gitVersion"])
    except (InfraError, KeyError, TypeError):
        return None


def deprecated_apis(address: str) -> list[dict[str, str]]:
    """APIs that somebody has asked this API server for since it started, and that a coming version removes."""
    try:
        return parse_deprecated(str(node_state.admin_api(address).get("/metrics")))
    except InfraError:
        return []


def parse_deprecated(text: str) -> list[dict[str, str]]:
    """The labels of every line of that metric that counts. Pure."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(rf"{DEPRECATED}\{{(.*)\}} (\S+)", line.strip())
        if match and float(match[2]) > 0:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match[1]))
            if labels.get("removed_release"):
                found.append(labels)
    return found


def etcd_problem(address: str) -> str | None:
    """Why etcd is not whole, asked through the node's own member: None if every member is a full one and healthy."""
    try:
        members = node_state.members(address)
    except InfraError as error:
        return str(error)
    learners = [member["address"] for member in members if member["learner"]]
    silent = [member["address"] for member in members if not etcd_healthy(member["address"])]
    told = []
    if learners:
        told.append(f"{', '.join(learners)} only learns")
    if silent:
        told.append(f"{', '.join(silent)} is not healthy")
    return "; ".join(told) or None


def etcd_healthy(address: str) -> bool:
    try:
        answer = HttpsJson(address, node_state.ETCD_PORT, node_state.ETCD_CLIENT).get("/health")
        return isinstance(answer, dict) and answer.get("health") == "true"
    except InfraError:
        return False


def quiet(clock: Clock, timeout: float) -> None:
    """Waits for a kubeadm whose run was killed: it goes on by itself."""
    wait_until(clock, timeout, "a kubeadm that a killed run has left at work to end", lambda: not processes("kubeadm"))


def restore_manifests() -> list[str]:
    """Puts static pods' manifests back that kubeadm had moved aside when it was killed; their names.

    It moves the old one away before the new one comes; a kill in between leaves none, and then kubeadm's own checks
    refuse to go on.
    """
    restored = []
    for name in node_state.CONTROL_PLANE_PODS if begun() else ():
        target = node_state.MANIFESTS / f"{name}.yaml"
        kept = sorted(KUBEADM_BACKUPS.glob(f"kubeadm-backup-manifests-*/{name}.yaml"))
        if not target.exists() and kept:
            # Beside it the kubelet would read it as one more pod, unless its name begins with a dot.
            part = target.with_name(f".{name}.part")
            shutil.copy2(kept[-1], part)
            os.replace(part, target)
            restored.append(name)
    return restored


def pull_images(run: Run, version: str, repository: str | None, check: bool = False) -> list[str]:
    """Fetches the control plane's images of a version that are not there yet; their names. ``check``: only tells them."""
    document: dict[str, Any] = {
        "apiVersion": config.API_VERSION, "kind": "ClusterConfiguration", "kubernetesVersion": version,
    }  # fmt: skip
    if repository:
        document["imageRepository"] = repository
    return kubeadm_node.pull_images(run, document, check)


def upgrade_configuration(version: str, ignore: Sequence[str]) -> dict[str, Any]:
    """kubeadm's UpgradeConfiguration for both commands. Pure."""
    options = {"ignorePreflightErrors": config.named_errors(ignore), "imagePullPolicy": "IfNotPresent"}
    return {
        "apiVersion": config.API_VERSION,
        "kind": "UpgradeConfiguration",
        "apply": {"kubernetesVersion": version, **options},
        "node": options,
    }


def upgrade(run: Run, clock: Clock, node: Mapping[str, Any], timeout: float) -> None:
    """``node``: name, address, control_plane, command, version, ignore_preflight_errors."""
    MARK.parent.mkdir(mode=0o700, exist_ok=True)
    write_private(MARK, json.dumps({"command": node["command"], "version": node["version"]}))
    if (node_state.MANIFESTS / "kube-vip.yaml").exists():
        # When it ends it gives the VIP to another master, which has it before the API server here ends.
        restart(clock, "kube-vip", timeout)
    document = upgrade_configuration(node["version"], node["ignore_preflight_errors"])
    with secret_file("upgrade.json", config.documents([document])) as path:
        # It asks nothing; the version is in the file.
        agreed = ["--yes"] if node["command"] == APPLY else []
        kubeadm(run, "upgrade", node["command"], "--config", path, *agreed)
    settle(clock, node, timeout)
    MARK.unlink(missing_ok=True)


def settle(clock: Clock, node: Mapping[str, Any], timeout: float) -> None:
    """Waits until the node's control plane runs in the version and etcd is whole; for a worker, its kubelet's health."""
    seen = ["nothing yet"]

    def whole() -> bool:
        seen[0] = unsettled(node) or ""
        return not seen[0]

    if node["control_plane"]:
        wait_until(clock, timeout, f"its control plane in {node['version']}", whole, seen)
    else:
        wait_until(clock, timeout, "the kubelet's health", node_state.kubelet_healthy)


def unsettled(node: Mapping[str, Any]) -> str | None:
    """What a control-plane node still lacks; None when it is whole in its version."""
    address = node["address"]
    running = api_version(address)
    if running != node["version"]:
        return f"its API server says {running or 'nothing'}"
    if not ready(address):
        return "its API server is not ready"
    try:
        pods = node_state.admin_api(address).get(
            f"/api/v1/namespaces/kube-system/pods?fieldSelector=spec.nodeName%3D{node['name']}"
        )["items"]
    except InfraError as error:
        return str(error)
    return pods_unsettled(pods, static_pods(), node["version"]) or etcd_problem(address)


def pods_unsettled(pods: Sequence[Mapping[str, Any]], wanted: Mapping[str, str], version: str) -> str | None:
    """Which static pod does not run, ready, with the image that its manifest names. Pure."""
    running = {(pod["metadata"].get("labels") or {}).get("component"): pod for pod in pods}
    for name, image_tag in wanted.items():
        if name in VERSIONED and image_tag != version:
            return f"{name} has the image of {image_tag}"
        containers = ((running.get(name) or {}).get("status") or {}).get("containerStatuses") or []
        if not containers:
            return f"{name} is not there yet"
        found = [tag_of(item["image"]) for item in running[name]["spec"]["containers"]]
        if found != [image_tag]:
            return f"{name} still runs {', '.join(found)}"
        if not all(item.get("ready") for item in containers):
            return f"{name} is not ready"
    return None
