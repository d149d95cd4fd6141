# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masters are destroyed only after a backup, and never so that the others lose their majority."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._reset_plan import reset_plan

MASTERS = ["m1", "m2", "m3"]
MEMBERS = [{"id": name, "name": name, "address": name, "learner": False} for name in MASTERS]


def node(name: str, answers: bool = True, data: bool = True) -> dict[str, Any]:
    seen = {"nodes": [{"name": name}], "members": MEMBERS} if answers else {"error": "down"}
    return {"address": name, "etcd_data": data, "view": seen}


def all_but(*silent: str) -> dict[str, Any]:
    return {name: node(name, name not in silent) for name in MASTERS}


def test_other_guests_ask_for_nothing() -> None:
    assert reset_plan({}, MASTERS, ["w1"]) == {"backup_from": None, "problems": []}


@pytest.mark.parametrize("doomed", [["m1"], ["w1", "m3"], MASTERS])
def test_a_backup_comes_first_where_a_cluster_answers(doomed: list[str]) -> None:
    found = reset_plan(all_but(), MASTERS, doomed)
    assert found["backup_from"] in MASTERS and found["problems"] == []


@pytest.mark.parametrize(
    ("nodes", "doomed", "stay"),
    [
        (all_but(), ["m1", "m2"], 1),
        (all_but("m3"), ["m1"], 1),
        ({name: node(name) for name in ["m1", "m2"]}, ["m1"], 1),
        (all_but("m2", "m3"), ["m1"], 0),
    ],
    ids=["two at once", "beside one that is down", "beside one that is not reached", "the last that answers"],
)
def test_the_majority_of_those_that_stay_is_never_given_up(nodes: dict[str, Any], doomed: list[str], stay: int) -> None:
    [problem] = reset_plan(nodes, MASTERS, doomed)["problems"]
    assert f"3 members, and only {stay} of them" in problem and "remove_node.yml" in problem


def test_data_of_which_no_backup_can_be_made_is_told() -> None:
    [problem] = reset_plan(all_but(*MASTERS), MASTERS, MASTERS)["problems"]
    assert "data is on m1, m2, m3" in problem


def test_machines_without_a_cluster_go() -> None:
    nodes = {name: node(name, answers=False, data=False) for name in MASTERS}
    assert reset_plan(nodes, MASTERS, MASTERS) == {"backup_from": None, "problems": []}


def test_masters_of_which_nobody_knows_whether_they_have_data_are_told() -> None:
    [data, unseen] = reset_plan({"m1": node("m1", answers=False)}, MASTERS, MASTERS)["problems"]
    assert "data is on m1" in data and "m2, m3 are not reached over SSH" in unseen


def test_one_that_is_not_reached_goes_after_a_backup_of_the_others() -> None:
    found = reset_plan({name: node(name) for name in ["m2", "m3"]}, MASTERS, ["m1"])
    assert found["backup_from"] in ("m2", "m3") and found["problems"] == []
