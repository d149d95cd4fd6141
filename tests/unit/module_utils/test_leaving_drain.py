"""Whether a node that leaves the cluster is drained, and that both playbooks ask in the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.detectviz.infra.plugins.module_utils._node_drain import before_leaving

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
NODES = [{"name": "up", "ready": True}, {"name": "down", "ready": False}]
NOTHING = {"drain": False, "problem": "", "note": ""}


def decided(name: str, wanted: bool = True, required: bool = True) -> dict[str, Any]:
    return before_leaving(NODES, name, wanted, "remove_drain", required)


@pytest.mark.parametrize("required", [True, False])
def test_a_node_that_is_ready_is_drained_if_that_is_wanted(required: bool) -> None:
    assert decided("up", required=required) == {**NOTHING, "drain": True}
    assert decided("up", wanted=False, required=required) == NOTHING


def test_a_drain_of_a_node_that_is_not_ready_is_refused_with_its_way_out() -> None:
    found = decided("down")
    assert not found["drain"] and found["note"] == ""
    assert found["problem"].startswith("down is not ready") and "-e remove_drain=false" in found["problem"]


def test_a_node_that_is_replaced_leaves_without_a_drain_if_it_is_not_ready() -> None:
    found = decided("down", required=False)
    assert not found["drain"] and found["problem"] == ""
    assert found["note"].startswith("down is not ready") and "without a drain" in found["note"]


@pytest.mark.parametrize(("name", "wanted"), [("down", False), ("gone", True), ("gone", False)])
def test_nothing_is_said_where_there_is_nothing_to_drain(name: str, wanted: bool) -> None:
    """An earlier run may have come further: the cluster has no such node then."""
    assert decided(name, wanted) == NOTHING


@pytest.mark.parametrize(("verb", "required"), [("remove", True), ("replace", False)])
def test_both_playbooks_drain(verb: str, required: bool) -> None:
    plays = yaml.safe_load((PLAYBOOKS / f"{verb}_node.yml").read_text(encoding="utf-8"))
    tasks = [task for play in plays for task in play.get("tasks") or []]
    (given,) = (task["vars"] for task in tasks if task.get("ansible.builtin.include_tasks") == "tasks/leave_cluster.yml")
    assert given == {
        "leaving": f"{{{{ {verb} }}}}",
        "leaving_options": verb,
        "leaving_drained": f"{{{{ {verb}_drain | default(true) | bool }}}}",
        "leaving_drain_required": required,
        "leaving_drain_timeout": f"{{{{ {verb}_drain_timeout | default(300) }}}}",
        "leaving_bare_pods": f"{{{{ {verb}_bare_pods | default('kept') }}}}",
    }
