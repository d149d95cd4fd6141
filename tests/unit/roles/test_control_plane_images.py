# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a master fetches are those of the version that it will run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plays import play, tasks_of

SEEN = {"cluster_state_result": {"node": {"view": {"nodes": [], "members": [], "version": "v1.36.2"}}}}
UNSEEN = {"cluster_state_result": {"node": {"view": {"error": "no control-plane node"}}}}


@pytest.mark.parametrize(
    ("step", "giver", "version"),
    [("join", SEEN, "v1.36.2"), ("reset_join", SEEN, "v1.36.2"), ("init", UNSEEN, "its own"), ("resume_init", SEEN, "its own")],
)
def test_a_master_that_joins_fetches_those_of_the_clusters_version(
    tmp_path: Path, step: str, giver: dict[str, Any], version: str
) -> None:
    (task,) = tasks_of("roles/control_plane/tasks/images.yml")
    wanted = task.pop("detectviz.infra.kubeadm_node")["cluster"]
    shown = {**task, "ansible.builtin.debug": {"msg": "{{ __wanted.version | default('its own') }} of {{ __wanted.name }}"}}
    shown["vars"] = {**task.get("vars", {}), "__wanted": wanted}
    joining = {"control_plane_step": step, "control_plane_giver": "m1", "control_plane_cluster": {"name": "demo"}}
    code, output = play(tmp_path, [shown], {"m1": giver, "m2": joining}, "--limit", "m2")
    assert code == 0 and f"{version} of demo" in output, output
