"""node_metadata against a real API server: labels and taints of all nodes in one call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.cluster import Cluster
from tests.api.modules import Result, run_module

MERGE = "application/merge-patch+json"
ZONE = "topology.kubernetes.io/zone"
WANTED: dict[str, Any] = {
    "nodes": ["node-1", "node-2"],
    "control_plane": ["node-1"],
    "labels": {"node-1": {ZONE: "pve1"}, "node-2": {ZONE: "pve2", "disks": "fast"}},
    "taints": {"node-2": ["dedicated=storage:NoSchedule"]},
}


@pytest.fixture
def node_metadata(two_nodes: Cluster, tmp_path: Path) -> Callable[..., Result]:
    """Runs the module with the administrator's kubeconfig."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(two_nodes.control_plane.kubeconfig)
    return functools.partial(run_module, "node_metadata", tmp_path, kubeconfig=str(kubeconfig))


def seen(cluster: Cluster, name: str) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Labels of a node, and key and effect of its taints but for Kubernetes' own."""
    node = cluster.request("GET", f"/api/v1/nodes/{name}")
    taints = {(item["key"], item["effect"]) for item in node["spec"].get("taints") or []}
    return node["metadata"].get("labels") or {}, {item for item in taints if "node.kubernetes.io" not in item[0]}


def test_labels_and_taints_are_planned_then_set_then_left_alone(
    two_nodes: Cluster, node_metadata: Callable[..., Result]
) -> None:
    planned = node_metadata(check=True, **WANTED)
    assert planned["nodes"] == ["node-1", "node-2"] and ZONE not in seen(two_nodes, "node-1")[0]
    made = node_metadata(**WANTED)
    assert (made["nodes"], made["diff"]) == (planned["nodes"], planned["diff"])
    assert seen(two_nodes, "node-1")[1] == {("node-role.kubernetes.io/control-plane", "NoSchedule")}
    labels, taints = seen(two_nodes, "node-2")
    assert (labels[ZONE], labels["disks"], taints) == ("pve2", "fast", {("dedicated", "NoSchedule")})
    assert not node_metadata(**WANTED)["changed"]


def test_what_is_no_longer_wanted_goes_and_what_others_set_stays(
    two_nodes: Cluster, node_metadata: Callable[..., Result]
) -> None:
    node_metadata(**WANTED)
    two_nodes.request("PATCH", "/api/v1/nodes/node-2", {"metadata": {"labels": {"own": "x"}}}, MERGE)
    fewer = {**WANTED, "labels": {"node-1": {ZONE: "pve1"}}, "taints": {}}
    assert node_metadata(**fewer)["nodes"] == ["node-2"]
    labels, taints = seen(two_nodes, "node-2")
    assert labels["own"] == "x" and ZONE not in labels and taints == set()


def test_a_node_that_is_not_there_is_told_and_none_is_changed(
    two_nodes: Cluster, node_metadata: Callable[..., Result]
) -> None:
    result = node_metadata(**{**WANTED, "nodes": ["node-1", "node-9"]})
    assert result.failed and "node-9 is not a node of the cluster" in result.message
    assert ZONE not in seen(two_nodes, "node-1")[0]


def test_a_label_that_kubernetes_refuses_is_told_in_its_words(node_metadata: Callable[..., Result]) -> None:
    result = node_metadata(nodes=["node-1"], labels={"node-1": {"disks": "not a label"}})
    assert result.failed and "HTTP 422" in result.message and "not a label" in result.message
