# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members of etcd may be removed, and whose view of them counts."""

from __future__ import annotations

from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _etcd_members as members
from hypothesis import given
from hypothesis import strategies as st

ADDRESSES = [f"10.0.0.{number}" for number in range(11, 18)]


def cluster(count: int, learner: int | None = None) -> list[dict[str, Any]]:
    return [
        {"id": str(number), "name": f"m{number}", "address": ADDRESSES[number], "learner": number == learner}
        for number in range(count)
    ]


@given(st.integers(1, 7), st.data())
def test_a_removal_never_costs_the_majority(count: int, draw: st.DataObject) -> None:
    healthy = set(draw.draw(st.lists(st.sampled_from(ADDRESSES[:count]), unique=True)))
    target = draw.draw(st.sampled_from(ADDRESSES[:count]))
    problem = members.removal_problem(cluster(count), healthy, target)
    decides = len(healthy) >= count // 2 + 1
    stays = count > 1 and len(healthy - {target}) >= (count - 1) // 2 + 1
    assert (problem is None) == (decides and stays)


def test_removals_that_everybody_knows() -> None:
    three = cluster(3)
    one_dead = {ADDRESSES[1], ADDRESSES[2]}
    assert members.removal_problem(three, one_dead, ADDRESSES[0]) is None
    assert "bring 10.0.0.11 back first" in str(members.removal_problem(three, one_dead, ADDRESSES[1]))
    assert "lost its majority" in str(members.removal_problem(three, {ADDRESSES[2]}, ADDRESSES[0]))
    assert "only member" in str(members.removal_problem(cluster(1), {ADDRESSES[0]}, ADDRESSES[0]))
    assert members.removal_problem(three, set(), "10.0.0.99") is None
    assert members.removal_problem(cluster(3, learner=2), {ADDRESSES[0], ADDRESSES[1]}, ADDRESSES[2]) is None


def test_the_best_view_is_not_that_of_a_member_that_began_anew() -> None:
    nodes = {
        "m1": {"view": {"nodes": [{"name": "m1"}], "members": cluster(1)}},
        "m2": {"view": {"nodes": [{"name": "m1"}, {"name": "m2"}], "members": cluster(3)}},
        "m3": {"view": {"error": "no answer"}},
    }
    assert members.best_view(nodes, ["m1", "m2", "m3"]) == "m2"
    assert members.best_view({"m3": nodes["m3"]}, ["m1", "m2", "m3"]) is None


def test_addresses_are_written_as_etcd_takes_them() -> None:
    assert members.initial_cluster({"a": "10.0.0.1", "b": "fd00::1"}) == "a=https://10.0.0.1:2380,b=https://[fd00::1]:2380"
