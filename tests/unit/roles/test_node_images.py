# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a node fetches are those of the version that it will run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plays import play, tasks_of

SEEN = {"cluster_state_result": {"node": {"view": {"nodes": [], "members": [], "version": "v1.36.2"}}}}
UNSEEN = {"cluster_state_result": {"node": {"view": {"error": "no control-plane node"}}}}


def shown_by(role: str) -> dict[str, Any]:
    """The role's task, which says the version instead."""
    (task,) = tasks_of(f"roles/{role}/tasks/images.yml")
    wanted = task.pop("detectviz.infra.kubeadm_node")["cluster"]
    shown = {**task, "ansible.builtin.debug": {"msg": "{{ __wanted.version | default('its own') }} of {{ __wanted.name }}"}}
    return {**shown, "vars": {**task.get("vars", {}), "__wanted": wanted}}


@pytest.mark.parametrize(
    ("step", "giver", "version"),
    [("join", SEEN, "v1.36.2"), ("reset_join", SEEN, "v1.36.2"), ("init", UNSEEN, "its own"), ("resume_init", SEEN, "its own")],
)
def test_a_master_that_joins_fetches_those_of_the_clusters_version(
    tmp_path: Path, step: str, giver: dict[str, Any], version: str
) -> None:
    shown = shown_by("control_plane")
    joining = {"control_plane_step": step, "control_plane_giver": "m1", "control_plane_cluster": {"name": "demo"}}
    code, output = play(tmp_path, [shown], {"m1": giver, "m2": joining}, "--limit", "m2")
    assert code == 0 and f"{version} of demo" in output, output


@pytest.mark.parametrize(
    ("exists", "giver", "version"), [(True, SEEN, "v1.36.2"), (False, UNSEEN, "its own"), (False, SEEN, "its own")],
    ids=["there", "to come", "another one to come"],
)  # fmt: skip
def test_a_worker_fetches_those_of_the_cluster_that_it_joins(
    tmp_path: Path, exists: bool, giver: dict[str, Any], version: str
) -> None:
    joining = {"worker_nodes_step": "join", "worker_nodes_giver": "m1", "worker_nodes_cluster": {"name": "demo"}}
    hosts = {"m1": giver, "w1": joining, "localhost": {"cluster_plan": {"exists": exists}}}
    code, output = play(tmp_path, [shown_by("worker_nodes")], hosts, "--limit", "w1")
    assert code == 0 and f"{version} of demo" in output, output


@pytest.mark.parametrize("step", ["none", "start"])
def test_a_worker_that_has_its_place_fetches_nothing(tmp_path: Path, step: str) -> None:
    code, output = play(tmp_path, [shown_by("worker_nodes")], {"w1": {"worker_nodes_step": step}})
    assert code == 0 and "skipped=1" in output and "of demo" not in output, output
