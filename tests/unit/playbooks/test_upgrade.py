# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The upgrade needs no other playbook for its kubeconfig: P2, which makes it, refuses while another version is wanted."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiRefused
from ansible_collections.detectviz.infra.plugins.modules import cluster_workload

from tests.unit.plays import play, run, tasks_of

MENDED = "playbooks/p2_kubernetes.yml, with kubernetes_version set to what runs"


def test_the_kubeconfig_is_fetched_before_the_api_is_asked() -> None:
    (deciding,) = [item for item in tasks_of("playbooks/upgrade.yml") if "plan.yml" in str(item)]
    roles = [task["ansible.builtin.include_role"]["name"] for task in deciding["tasks"]]
    assert roles.index("detectviz.infra.kubeconfig") < roles.index("detectviz.infra.kubernetes_upgrade")
    assert "connection" not in deciding, "it would also hold for the master that is asked"


def turns(folder: Path, plan: dict[str, Any]) -> tuple[int, str]:
    """The play that goes from node to node, with other tasks. The inventory has the workers first."""
    (upgrading,) = [item for item in tasks_of("playbooks/upgrade.yml") if item.get("serial") == 1]
    tasks = [{"ansible.builtin.debug": {"msg": "turn of {{ inventory_hostname }}"}}]
    planning = {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.set_fact": {"kubernetes_upgrade_plan": plan}}]}
    plays = [planning, {**upgrading, "become": False, "connection": "local", "tasks": tasks}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    (folder / "hosts").write_text("[workers]\nw1\nw2\nw3\n[masters]\nm1\n", encoding="utf-8")
    return run(folder, folder / "hosts", folder / "play.yml")


def test_nodes_take_their_turn_as_the_plan_says(tmp_path: Path) -> None:
    code, output = turns(tmp_path, {"order": ["m1", "w1", "w3", "w2"]})
    assert code == 0 and re.findall(r"turn of (\w+)", output) == ["m1", "w1", "w3", "w2"], output


DRAIN = "done: Pods go elsewhere, as disruption budgets let them"


@pytest.mark.parametrize(("undrained", "ready_by_now", "drained"), [(True, False, False), (True, True, True), (False, None, True)])
def test_a_node_that_is_not_ready_is_started_and_drained_only_if_that_made_it_ready(
    tmp_path: Path, undrained: bool, ready_by_now: bool | None, drained: bool
) -> None:
    """Which of the role's tasks on kubelet and drain are done, and in which order."""
    role = "roles/kubernetes_upgrade"
    tasks = [
        {"ansible.builtin.debug": {"msg": f"done: {task['name']}"}, "when": task.get("when", True)}
        for part in ("main", "kubelet")
        for task in tasks_of(f"{role}/tasks/{part}.yml")
    ]
    planned = {"kubernetes_upgrade_plan": {"undrained": ["w1"] if undrained else [], "steps": {"w1": ["kubelet"]}, "target": "v1.36.3"}}
    variables = {**tasks_of(f"{role}/vars/main.yml"), "kubernetes_upgrade_drain": True}
    if ready_by_now is not None:
        variables["__kubernetes_upgrade_now"] = {"workload": {"nodes": {"w1": {"ready": ready_by_now}}}}
    code, output = play(tmp_path, tasks, {"localhost": planned, "w1": variables}, "--limit", "w1", masters=["localhost"])
    assert code == 0 and "done: The node has what the version wants" in output, output
    started, asked = "done: The kubelet of a node that is not ready runs", "done: Whether a node that was not ready is so by now"
    assert [told in output for told in (started, asked, DRAIN)] == [undrained, undrained, drained], output
    assert not undrained or output.index(started) < output.index(asked)
    assert not (undrained and drained) or output.index(asked) < output.index(DRAIN)


def done_while_empty() -> dict[str, Any]:
    (block,) = [task for task in tasks_of("roles/kubernetes_upgrade/tasks/kubelet.yml") if "block" in task]
    return dict(block)


def test_the_packages_come_last_as_by_them_the_next_run_sees_a_node_that_is_done() -> None:
    roles = [task["ansible.builtin.include_role"]["name"] for task in done_while_empty()["block"] if "ansible.builtin.include_role" in task]
    assert roles == ["detectviz.infra.containerd", "detectviz.infra.kubernetes_packages"]


@pytest.mark.parametrize(("drained", "before", "stays"), [(True, False, True), (False, True, True), (False, False, False)])
def test_an_error_after_the_drain_is_told_with_what_becomes_of_the_node(
    tmp_path: Path, drained: bool, before: bool, stays: bool
) -> None:
    """``before``: whether an earlier run took it out of use."""
    block = {**done_while_empty(), "block": [{"ansible.builtin.fail": {"msg": "no runtime"}}]}
    plan = {"kubernetes_upgrade_plan": {"taken": ["w1"] if before else []}}
    result = {"changed": False, **({} if drained else {"skipped": True})}
    variables = {**tasks_of("roles/kubernetes_upgrade/vars/main.yml"), "__kubernetes_upgrade_drained": result}
    code, output = play(tmp_path, [block], {"localhost": plan, "w1": variables}, "--limit", "w1")
    assert code != 0 and "The upgrade of w1 stopped at the error above (no runtime)" in output, output
    assert ("which stays out of use until then" in output) is stays, output


def told(monkeypatch: pytest.MonkeyPatch, kubeconfig: Path) -> str:
    """The error of the module that asks the API for the plan."""
    said: list[str] = []

    def fail_json(msg: str) -> None:
        said.append(msg)
        raise SystemExit(1)

    module = SimpleNamespace(params={"kubeconfig": str(kubeconfig), "settle": 0}, fail_json=fail_json)
    monkeypatch.setattr(cluster_workload, "AnsibleModule", lambda **_options: module)
    with pytest.raises(SystemExit):
        cluster_workload.main()
    return said[0]


def test_a_check_run_without_one_tells_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MENDED in told(monkeypatch, tmp_path / "kubeconfig")


@pytest.mark.parametrize(("status", "ended"), [(401, True), (403, False)])
def test_a_check_run_with_one_that_has_ended_tells_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, ended: bool
) -> None:
    def refused(*_unused: Any) -> None:
        raise ApiRefused(status, f"GET https://192.0.2.10:6443/api/v1/pods: HTTP {status}: no")

    monkeypatch.setattr(cluster_workload, "cluster_api", refused)
    message = told(monkeypatch, tmp_path / "kubeconfig")
    assert message.startswith("GET https://192.0.2.10:6443/api/v1/pods")
    assert (f"the certificate in {tmp_path}/kubeconfig may have ended" in message and MENDED in message) is ended
