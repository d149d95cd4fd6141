# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that was emptied and then is not taken out of the cluster: what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plays import play, tasks_of

REFUSED = "The member 192.0.2.11 stays in etcd: it has lost its majority"
OUT_OF_USE = "w1 was emptied, and stays out of use until this playbook is run again; to keep it, kubectl uncordon w1"


def leaving(folder: Path, drained: bool, outcome: dict[str, Any], *arguments: str) -> tuple[int, str]:
    """The last step on the node w1, asked of m1, whose module ends with this instead."""
    step = tasks_of("playbooks/tasks/leave_cluster.yml")[-1]
    (task,) = step["block"]
    del task["detectviz.infra.kubeadm_node"]
    task.update(outcome, become=False)
    step["when"] = "inventory_hostname == 'here'"
    variables = {"leaving": "w1", "leave_asked": "m1", "leave_drain": {"drain": drained}}
    return play(folder, [step], {"here": variables, "m1": {}}, *arguments, masters=["m1"])


@pytest.mark.parametrize(("drained", "words", "told"), [(True, (), True), (False, (), False), (True, ("--check",), False)])
def test_a_node_that_stays_out_of_use_is_told_with_the_reason(
    tmp_path: Path, drained: bool, words: tuple[str, ...], told: bool
) -> None:
    code, said = leaving(tmp_path, drained, {"ansible.builtin.fail": {"msg": REFUSED}}, *words)
    assert code != 0, said
    last = said.rpartition("The node is still in the cluster")[2]
    assert REFUSED in last and (f"{REFUSED}. {OUT_OF_USE}" in last) is told and ("out of use" in last) is told, said


def test_nothing_is_told_of_a_node_that_has_left(tmp_path: Path) -> None:
    code, said = leaving(tmp_path, True, {"ansible.builtin.debug": {"msg": "gone"}})
    assert code == 0 and "out of use" not in said, said
