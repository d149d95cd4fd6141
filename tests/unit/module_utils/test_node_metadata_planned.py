"""Labels and taints of several nodes at once, some of which may not have joined yet, or are changed by others meanwhile."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiRefused
from ansible_collections.detectviz.infra.plugins.modules import node_metadata
from ansible_collections.detectviz.infra.plugins.modules.node_metadata import planned

PARAMS: dict[str, Any] = {
    "nodes": ["m1", "w1"],
    "labels": {"m1": {"zone": "a"}, "w1": {"zone": "b"}},
    "taints": {},
    "control_plane": ["m1"],
    "schedulable_control_plane": False,
}
PRESENT = {"m1": {"metadata": {"name": "m1", "resourceVersion": "7", "labels": {}}, "spec": {}}}


def test_a_check_run_shows_what_a_node_that_is_still_to_join_will_get() -> None:
    patches, diff = planned(PARAMS, PRESENT, check_mode=True)
    assert list(patches) == ["m1", "w1"]
    assert diff["before"]["w1"] == {"labels": {}}
    assert diff["after"]["w1"] == {"labels": {"zone": "b"}}


def test_a_real_run_refuses_a_node_that_has_not_joined_and_changes_none() -> None:
    with pytest.raises(InfraError, match="w1 is not a node of the cluster"):
        planned(PARAMS, PRESENT, check_mode=False)


def test_a_master_keeps_ordinary_pods_away_unless_the_site_says_otherwise() -> None:
    only = {**PARAMS, "nodes": ["m1"]}
    patches, _diff = planned(only, PRESENT, check_mode=False)
    assert [taint["key"] for taint in patches["m1"]["spec"]["taints"]] == ["node-role.kubernetes.io/control-plane"]
    patches, _diff = planned({**only, "schedulable_control_plane": True}, PRESENT, check_mode=False)
    assert "spec" not in patches["m1"]


class Changing:
    """The API of a cluster with one master, to which somebody adds a taint before each of the first ``times`` patches."""

    def __init__(self, times: int) -> None:
        self.times, self.version, self.taints, self.patches = times, 7, list[dict[str, Any]](), 0

    def get(self, path: str) -> Any:
        metadata = {"name": "m1", "resourceVersion": str(self.version), "labels": {"zone": "a"}}
        node = copy.deepcopy({"metadata": metadata, "spec": {"taints": self.taints}})
        return {"items": [node]} if path == "/api/v1/nodes" else node

    def patch(self, path: str, body: Any) -> None:
        assert path == "/api/v1/nodes/m1"
        self.patches += 1
        if self.patches <= self.times:
            self.version += 1
            self.taints.append({"key": f"theirs-{self.patches}", "effect": "NoSchedule"})
        if body["metadata"]["resourceVersion"] != str(self.version):
            raise ApiRefused(409, "the object has been modified")
        self.taints = body["spec"]["taints"]


def applied(monkeypatch: pytest.MonkeyPatch, api: Changing) -> dict[str, Any]:
    monkeypatch.setattr(node_metadata, "cluster_api", lambda _path: api)
    module: Any = SimpleNamespace(params={**PARAMS, "nodes": ["m1"], "kubeconfig": "kubeconfig"}, check_mode=False)
    return node_metadata.apply(module)


def test_a_node_that_others_change_meanwhile_gets_its_taints_beside_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Changing(times=2)
    assert applied(monkeypatch, api)["nodes"] == ["m1"]
    assert [taint["key"] for taint in api.taints] == ["theirs-1", "theirs-2", "node-role.kubernetes.io/control-plane"]


def test_a_node_that_others_change_all_the_time_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Changing(times=1000)
    with pytest.raises(InfraError, match="has been modified"):
        applied(monkeypatch, api)
    assert api.patches == 5
