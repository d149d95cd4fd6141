"""Labels and taints of several nodes at once, some of which may not have joined yet."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
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
