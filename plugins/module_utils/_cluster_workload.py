# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster carries and would be met by draining its nodes: budgets, pods without a controller. Reading only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import HttpsJson
from ansible_collections.detectviz.infra.plugins.module_utils._node_drain import controller_of, moves, node_state

BUDGETS = "/apis/policy/v1/poddisruptionbudgets"
KUBEADM = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
POLL = 2.0


def read_workload(api: HttpsJson) -> dict[str, Any]:
    """``nodes``, ``budgets``, ``bare`` (pods that nothing makes anew) and the ``version`` and ``images`` that kubeadm keeps."""
    pods = [pod for pod in api.get("/api/v1/pods")["items"] if moves(pod)]
    kept = (api.get(KUBEADM).get("data") or {}).get("ClusterConfiguration") or ""
    return {
        "nodes": {node["metadata"]["name"]: node_state(node) for node in api.get("/api/v1/nodes")["items"]},
        "budgets": [budget_view(budget, pods) for budget in api.get(BUDGETS)["items"]],
        "bare": [{"pod": _name(pod), "node": _node(pod)} for pod in pods if controller_of(pod) is None and _node(pod)],
        "version": kept_value(kept, "kubernetesVersion"),
        "image_repository": kept_value(kept, "imageRepository"),
    }


def read_settled(api: HttpsJson, clock: Clock, settle: float) -> dict[str, Any]:
    """As :func:`read_workload`, read again while nodes or guarded pods are only starting, for ``settle`` seconds at most."""
    end = clock.monotonic() + settle
    while True:
        try:
            found = read_workload(api)
            if is_settled(found) or clock.monotonic() >= end:
                return found
        except InfraError:
            if clock.monotonic() >= end:
                raise
        clock.sleep(POLL)


def is_settled(found: Mapping[str, Any]) -> bool:
    """Whether every node is ready, and every budget that allows nothing has all its pods. Pure."""
    ready = all(node["ready"] for node in found["nodes"].values())
    return ready and all(budget["allowed"] > 0 or not budget["starting"] for budget in found["budgets"])


def budget_view(budget: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``allowed`` disruptions, whether some of its pods are only ``starting``, and those that are on nodes. Pure."""
    metadata, status = budget["metadata"], budget.get("status") or {}
    selector = (budget.get("spec") or {}).get("selector")
    guarded = [
        pod
        for pod in pods
        if pod["metadata"]["namespace"] == metadata["namespace"] and selects(selector, pod["metadata"].get("labels") or {})
    ]
    return {
        "name": f"{metadata['namespace']}/{metadata['name']}",
        "allowed": int(status.get("disruptionsAllowed") or 0),
        "starting": int(status.get("currentHealthy") or 0) < int(status.get("expectedPods") or 0),
        "pods": [{"pod": _name(pod), "node": _node(pod)} for pod in guarded if _node(pod)],
    }


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector of a budget means a pod; an empty one means all, none at all means none. Pure."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_fits(rule, labels) for rule in selector.get("matchExpressions") or [])


def _fits(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(rule["key"]), rule.get("values") or []
    return {
        "In": value is not None and value in values,
        "NotIn": value is None or value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[rule["operator"]]


def kept_value(text: str, key: str) -> str | None:
    """One of the plain values of kubeadm's ClusterConfiguration, as kubeadm writes it. Pure."""
    match = re.search(rf"^{key}: [\"']?(\S+?)[\"']?$", text, re.M)
    return match[1] if match else None


def _name(pod: Mapping[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _node(pod: Mapping[str, Any]) -> str | None:
    return (pod.get("spec") or {}).get("nodeName")
