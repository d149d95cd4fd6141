# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The upgrade's plan is told whatever the nodes have answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.plays import play, tasks_of

LOCALHOST = {
    "__kubernetes_upgrade_workload": {"workload": {"nodes": {}, "budgets": [], "bare": [], "image_repository": None}},
    "kubernetes_upgrade_version": "1.36",
    "kubernetes_upgrade_accept": [],
    "kubernetes_upgrade_drain": True,
}
SEEN = {"cluster_state_result": {"node": {"certificates": {}}}, "kubernetes_upgrade_seen": {"packages": {}}}


def planned(folder: Path, **nodes: dict[str, Any]) -> tuple[int, str]:
    """The role's plan once the cluster has been asked; all but the first node are workers."""
    first, *others = nodes
    tasks = [task for task in tasks_of("roles/kubernetes_upgrade/tasks/plan.yml") if "detectviz.infra.cluster_workload" not in task]
    groups = {"masters": [first], "workers": others, "k8s_cluster": list(nodes)}
    return play(folder, tasks, {"localhost": LOCALHOST, **nodes}, "--limit", "localhost", **groups)


def test_nodes_that_were_not_reached_are_named(tmp_path: Path) -> None:
    unreached = {"cluster_state_result": {"unreachable": True, "changed": False, "msg": "No route to host"}}
    code, output = planned(tmp_path, m1=SEEN, w1=unreached, w2={})
    assert code != 0
    for name in ("w1", "w2"):
        assert f"{name} was not reached: nothing is decided without it" in output, output
