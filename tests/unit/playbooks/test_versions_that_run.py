# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before P2 touches a node: a version that runs stays, and a machine that is no node may have another one replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plays import play, program, tasks_of

WANTED: dict[str, Any] = {
    "site_derived": {"versions": {"kubernetes_version": "1.36"}}, "containerd_version": "2", "containerd_package": "containerd.io",
}  # fmt: skip
REPLACE = ("-e", "kubernetes_packages_replace=true")


def judged(
    folder: Path, nodes: dict[str, str], machines: dict[str, str], *arguments: str, package: str = "kubelet", **own: str
) -> tuple[int, str]:
    """``nodes``, ``machines``: versions of the package of those that are nodes, and that are none; ``own``: the container runtime
    that is wanted for one of them alone."""
    known = {**nodes, **machines}
    for name, version in known.items():
        program(folder, name, "dpkg-query", f"printf '{package}\\t{version}-1.1\\thi \\n'")
        program(folder, name, "apt-cache", "exit 0")
        program(folder, name, "test", f'[ "$*" = "-e /etc/kubernetes/kubelet.conf" ] && exit {int(name in machines)}')
    (prepared,) = [item for item in tasks_of("playbooks/p2_nodes.yml") if "roles" in item]
    judging = [task for task in prepared["pre_tasks"] if {"ansible.builtin.set_fact", "ansible.builtin.assert"} & set(task)]
    assert len(judging) == 2
    variables = {name: {**WANTED, **({"containerd_version": own[name]} if name in own else {})} for name in known}
    return play(folder, [*tasks_of("playbooks/tasks/versions_that_run.yml"), *judging], variables, *arguments)


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


@pytest.mark.parametrize("arguments", [(), ("-e", "containerd_replace=true")])
@pytest.mark.parametrize("package", ["containerd.io", "containerd"])
def test_the_runtime_under_pods_is_not_replaced_on_all_nodes_at_once(
    tmp_path: Path, arguments: tuple[str, ...], package: str
) -> None:
    """Nor one package by another that takes its place, whatever its version."""
    version = "1.7.24" if package == "containerd.io" else "2.1.5"
    code, output = judged(tmp_path, {"m1": version}, {"w2": "1.7.24"}, *arguments, package=package)
    assert code != 0 and f"m1 has {package} {version}-1.1: on a node it is replaced with the kubelet" in output, output
    assert "w2 has" not in output and "playbooks/replace_node.yml -e replace=NAME -e containerd_replace=true" in output


def test_a_node_may_have_another_runtime_than_the_others(tmp_path: Path) -> None:
    """It is how they are replaced one after the other."""
    code, output = judged(tmp_path, {"m1": "2.1.5", "w1": "1.7.24"}, {}, package="containerd.io", w1="1.7")
    assert code == 0, output
    code, output = judged(tmp_path, {"m1": "2.1.5", "w1": "2.1.5"}, {}, package="containerd.io", w1="1.7")
    assert code != 0 and "w1 has containerd.io 2.1.5-1.1: on a node" in output and "m1 has" not in output, output


def test_the_runtime_of_a_node_that_is_to_be_wiped_may_be_replaced(tmp_path: Path) -> None:
    code, output = judged(tmp_path, {"m1": "1.7.24"}, {}, "-e", '{"kubeadm_reset_nodes": ["m1"]}', package="containerd.io")
    assert code == 0, output
