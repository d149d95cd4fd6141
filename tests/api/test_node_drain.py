"""node_drain and cluster_workload against a real API server, whose eviction of pods and refusals are its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.control_plane import ControlPlane
from tests.api.modules import Result, run_module

MERGE = "application/merge-patch+json"
PODS = "/api/v1/namespaces/default/pods"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
NODE = "/api/v1/nodes/node-1"
CONFIG = "apiVersion: kubeadm.k8s.io/v1beta4\nimageRepository: registry.example\nkubernetesVersion: v1.35.8\n"


@pytest.fixture(scope="module")
def api(make_control_plane: Callable[[], ControlPlane]) -> ControlPlane:
    api = make_control_plane()
    kept = {"metadata": {"name": "kubeadm-config"}, "data": {"ClusterConfiguration": CONFIG}}
    api.request("POST", "/api/v1/namespaces/kube-system/configmaps", kept)
    return api


@pytest.fixture(autouse=True)
def node(api: ControlPlane) -> Iterator[None]:
    """A node that is ready, with kubelet v1.35.8, and that nobody has taken out of use."""
    api.request("POST", "/api/v1/nodes", {"metadata": {"name": "node-1"}})
    status = {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.35.8"}}
    api.request("PATCH", f"{NODE}/status", {"status": status}, MERGE)
    yield
    for path in (f"{PODS}?gracePeriodSeconds=0", BUDGETS, NODE):
        api.request("DELETE", path)


@pytest.fixture
def kubeconfig(api: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("user") / "kubeconfig"
    file.write_text(api.kubeconfig)
    return str(file)


@pytest.fixture
def drain(kubeconfig: str, tmp_path: Path) -> Callable[..., Result]:
    def run(state: str, check: bool = False, **options: Any) -> Result:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        options = {"timeout": 2, **options}
        return run_module("node_drain", folder, check, kubeconfig=kubeconfig, name="node-1", state=state, **options)

    return run


def run_pod(api: ControlPlane, name: str, owner: str | None = "ReplicaSet") -> None:
    owners = [{"apiVersion": "apps/v1", "kind": owner, "name": "x", "uid": "1", "controller": True}] if owner else []
    pod = {
        "metadata": {"name": name, "labels": {"app": "web"}, "ownerReferences": owners},
        "spec": {"nodeName": "node-1", "terminationGracePeriodSeconds": 0, "containers": [{"name": "x", "image": "x:1"}]},
    }
    api.request("POST", PODS, pod)
    running = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    api.request("PATCH", f"{PODS}/{name}/status", {"status": running}, MERGE)


def guard(api: ControlPlane, allowed: int) -> None:
    budget = {"metadata": {"name": "web"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}}
    made = api.request("POST", BUDGETS, budget)
    counts = {"currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1, "observedGeneration": made["metadata"]["generation"]}
    api.request("PATCH", f"{BUDGETS}/web/status", {"status": {"disruptionsAllowed": allowed, **counts}}, MERGE)


def pods(api: ControlPlane) -> list[str]:
    return [item["metadata"]["name"] for item in api.request("GET", PODS)["items"]]


def out_of_use(api: ControlPlane) -> tuple[bool, bool]:
    """Whether the node takes no pods, and whether it says that we did that."""
    node = api.request("GET", NODE)
    return bool(node["spec"].get("unschedulable")), "detectviz.infra/out-of-use" in node["metadata"].get("annotations", {})


def test_a_node_is_emptied_and_given_back(api: ControlPlane, drain: Callable[..., Result]) -> None:
    run_pod(api, "web-1")
    run_pod(api, "agent", "DaemonSet")
    assert drain("drained", check=True)["pods"] == 1 and out_of_use(api) == (False, False)
    assert drain("drained")["changed"] and pods(api) == ["agent"] and out_of_use(api) == (True, True)
    assert not drain("drained")["changed"]
    assert drain("released", check=True)["changed"] and out_of_use(api) == (True, True)
    assert drain("released", version="v1.35.8")["changed"] and out_of_use(api) == (False, False)
    assert not drain("released")["changed"]


def test_pods_that_nothing_makes_anew_keep_a_node_from_being_drained(api: ControlPlane, drain: Callable[..., Result]) -> None:
    run_pod(api, "web-1")
    run_pod(api, "by-hand", None)
    for check in (True, False):
        result = drain("drained", check=check)
        assert result.failed and "default/by-hand on node-1 would be lost" in result.message and "web-1" not in result.message
    assert pods(api) == ["by-hand", "web-1"] and out_of_use(api) == (False, False)
    assert drain("drained", bare_pods="lost")["pods"] == 2 and pods(api) == []


def test_a_budget_that_lets_nothing_go_ends_the_drain_and_gives_the_node_back(api: ControlPlane, drain: Callable[..., Result]) -> None:
    run_pod(api, "web-1")
    guard(api, allowed=0)
    result = drain("drained")
    assert result.failed and "default/web-1" in result.message and "disruption budget" in result.message
    assert "takes pods again" in result.message
    assert pods(api) == ["web-1"] and out_of_use(api) == (False, False)


def test_a_node_that_others_took_out_of_use_stays_theirs(api: ControlPlane, drain: Callable[..., Result]) -> None:
    api.request("PATCH", NODE, {"spec": {"unschedulable": True}}, MERGE)
    run_pod(api, "web-1")
    assert drain("drained")["changed"] and pods(api) == []
    assert not drain("released")["changed"] and out_of_use(api) == (True, False)


def test_a_node_is_not_given_back_before_its_kubelet_has_the_version(api: ControlPlane, drain: Callable[..., Result]) -> None:
    drain("drained")
    result = drain("released", version="v1.36.3")
    assert result.failed and "kubelet v1.35.8" in result.message and out_of_use(api) == (True, True)


def test_a_node_that_is_not_there_is_named(kubeconfig: str, tmp_path: Path) -> None:
    result = run_module("node_drain", tmp_path, kubeconfig=kubeconfig, name="node-9", state="drained")
    assert result.failed and "node-9" in result.message


def test_what_a_drain_would_meet_is_read(api: ControlPlane, kubeconfig: str, tmp_path: Path) -> None:
    run_pod(api, "web-1")
    run_pod(api, "by-hand", None)
    guard(api, allowed=0)
    seen = run_module("cluster_workload", tmp_path, kubeconfig=kubeconfig)["workload"]
    places = [{"pod": f"default/{name}", "node": "node-1"} for name in ("by-hand", "web-1")]
    assert seen["budgets"] == [{"name": "default/web", "allowed": 0, "starting": False, "pods": places}]
    assert seen["bare"] == places[:1]
    assert (seen["version"], seen["image_repository"]) == ("v1.35.8", "registry.example")
    assert seen["nodes"]["node-1"]["ready"]
