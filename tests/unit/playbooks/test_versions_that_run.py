# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before P2 touches a node: a version that runs stays, and a machine that is no node may have another one replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.plays import play, program, tasks_of

WANTED: dict[str, Any] = {"site_derived": {"versions": {"kubernetes_version": "1.36"}}}
REPLACE = ("-e", "kubernetes_packages_replace=true")


def judged(folder: Path, nodes: dict[str, str], machines: dict[str, str], *arguments: str) -> tuple[int, str]:
    """``nodes``, ``machines``: versions of the kubelet of those that are nodes, and that are none."""
    known = {**nodes, **machines}
    for name, version in known.items():
        program(folder, name, "dpkg-query", f"printf 'kubelet\\t{version}-1.1\\thi \\n'")
        program(folder, name, "apt-cache", "exit 0")
        program(folder, name, "test", f'[ "$*" = "-e /etc/kubernetes/kubelet.conf" ] && exit {int(name in machines)}')
    (prepared,) = [item for item in tasks_of("playbooks/p2_nodes.yml") if "roles" in item]
    tasks = [task for task in prepared["pre_tasks"] if {"detectviz.infra.node_state", "ansible.builtin.assert"} & set(task)]
    assert len(tasks) == 2
    return play(folder, tasks, dict.fromkeys(known, WANTED), *arguments)


def test_whoever_has_another_version_is_named_with_the_upgrade(tmp_path: Path) -> None:
    code, output = judged(tmp_path, {"m1": "1.36.3", "w1": "1.35.9"}, {"w2": "1.35.8"})
    assert code != 0, output
    assert "w1 has kubelet 1.35.9-1.1, w2 has kubelet 1.35.8-1.1: another version is brought in by playbooks/upgrade.yml" in output


def test_a_machine_that_is_no_node_may_have_another_version_replaced(tmp_path: Path) -> None:
    code, output = judged(tmp_path, {"m1": "1.36.3"}, {"w2": "1.35.8"}, *REPLACE)
    assert code == 0, output


def test_a_node_that_is_to_be_wiped_may_have_another_version_replaced(tmp_path: Path) -> None:
    wiped = ("-e", '{"kubeadm_reset_nodes": ["w1"]}')
    for arguments, others in [((*wiped, *REPLACE), ["w2"]), (wiped, ["w1", "w2"])]:
        code, output = judged(tmp_path, {"m1": "1.36.3", "w1": "1.35.9", "w2": "1.35.9"}, {}, *arguments)
        told = ", ".join(f"{name} has kubelet 1.35.9-1.1" for name in others)
        assert code != 0 and f"and {told}: another version" in output, output


def test_a_node_has_its_kubelet_replaced_by_the_upgrade_alone(tmp_path: Path) -> None:
    code, output = judged(tmp_path, {"m1": "1.35.9", "w1": "1.35.9"}, {"w2": "1.35.8"}, *REPLACE)
    assert code != 0, output
    assert "m1 has kubelet 1.35.9-1.1, w1 has kubelet 1.35.9-1.1: another version is brought in by playbooks/upgrade.yml" in output
    assert "w2 has" not in output
