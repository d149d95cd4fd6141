"""What a drain would meet: which pods move, and which budgets guard them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _cluster_workload as workload
from ansible_collections.detectviz.infra.plugins.module_utils import _node_drain as drain


def pod(name: str, labels: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"namespace": "shop", "name": name, "uid": name, "labels": labels or {}}
    kind = changes.get("kind", "ReplicaSet")
    if kind:
        metadata["ownerReferences"] = [{"kind": kind, "controller": True}]
    if changes.get("mirror"):
        metadata["annotations"] = {"kubernetes.io/config.mirror": "hash"}
    status = {"phase": changes.get("phase", "Running")}
    return {"metadata": metadata, "spec": {"nodeName": changes.get("node", "w1")}, "status": status}


def test_a_drain_moves_all_but_what_belongs_to_the_node_or_has_ended() -> None:
    pods = [
        pod("web"), pod("by-hand", kind=None), pod("agent", kind="DaemonSet"), pod("etcd", kind="Node", mirror=True),
        pod("job", kind="Job", phase="Succeeded"), pod("batch", kind="Job"),
    ]  # fmt: skip
    assert [item["name"] for item in drain.pods_to_move(pods)] == ["web", "by-hand", "batch"]


@pytest.mark.parametrize(
    ("selector", "labels", "means"),
    [
        ({"matchLabels": {"app": "web"}}, {"app": "web", "tier": "1"}, True),
        ({"matchLabels": {"app": "web"}}, {"app": "db"}, False),
        ({}, {"app": "web"}, True),
        (None, {"app": "web"}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, {"app": "web"}, True),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, {}, False),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, {}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, {"app": "web"}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, {"app": ""}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, {"app": ""}, False),
    ],
)
def test_a_selector_means_the_pods_that_the_api_means(selector: Any, labels: dict[str, str], means: bool) -> None:
    assert workload.selects(selector, labels) is means


def budget(**status: int) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
        "status": status,
    }


def test_a_budget_is_told_with_its_pods_on_nodes() -> None:
    pods = [pod("web-1", {"app": "web"}), pod("web-2", {"app": "web"}, node=None), pod("db", {"app": "db"})]
    found = workload.budget_view(budget(disruptionsAllowed=0, currentHealthy=1, expectedPods=2), pods)
    assert found == {"name": "shop/web", "allowed": 0, "starting": True, "pods": [{"pod": "shop/web-1", "node": "w1"}]}


def test_what_is_only_starting_is_waited_for() -> None:
    ready = {"w1": {"ready": True}}
    starting = workload.budget_view(budget(disruptionsAllowed=0, currentHealthy=1, expectedPods=2), [])
    strict = workload.budget_view(budget(disruptionsAllowed=0, currentHealthy=2, expectedPods=2), [])
    assert not workload.is_settled({"nodes": ready, "budgets": [starting]})
    assert workload.is_settled({"nodes": ready, "budgets": [strict]})
    assert not workload.is_settled({"nodes": {"w1": {"ready": False}}, "budgets": []})


def test_what_kubeadm_keeps_is_read() -> None:
    text = "apiVersion: kubeadm.k8s.io/v1beta4\nimageRepository: registry.k8s.io\nkubernetesVersion: v1.35.8\n"
    assert workload.kept_value(text, "kubernetesVersion") == "v1.35.8"
    assert workload.kept_value("", "kubernetesVersion") is None


def test_a_node_says_whether_we_have_taken_it_out_of_use() -> None:
    node = {
        "metadata": {"annotations": drain.out_of_use("upgrade")["metadata"]["annotations"]},
        "spec": {"unschedulable": True},
        "status": {"nodeInfo": {"kubeletVersion": "v1.35.8"}, "conditions": [{"type": "Ready", "status": "True"}]},
    }
    assert drain.node_state(node) == {"kubelet": "v1.35.8", "ready": True, "unschedulable": True, "ours": True}
    assert drain.node_state({"metadata": {}})["ours"] is False
