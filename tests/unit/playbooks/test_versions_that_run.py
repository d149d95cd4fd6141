# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before P2 touches a node, or one that is replaced leaves: a version that runs stays, and a machine that is no node may have
another one replaced."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.plays import play, program, run, tasks_of

JUDGING = tasks_of("playbooks/tasks/versions_that_run.yml")
WANTED: dict[str, Any] = {
    "site_derived": {"versions": {"kubernetes_version": "1.36"}}, "containerd_version": "2", "containerd_package": "containerd.io",
}  # fmt: skip
REPLACE = ("-e", "kubernetes_packages_replace=true")
REPLACE_RUNTIME = ("-e", "containerd_replace=true")
WIPED = ("-e", '{"kubeadm_reset_nodes": ["w1"]}')


def machine(folder: Path, name: str, node: bool, **versions: str) -> None:
    """A machine that has packages in these versions, with ``_`` for what stands in their names otherwise."""
    lines = "".join(f"{package.replace('_', '.')}\\t{version}-1.1\\thi \\n" for package, version in versions.items())
    program(folder, name, "dpkg-query", f"printf '{lines}'")
    program(folder, name, "apt-cache", "exit 0")
    program(folder, name, "test", f'[ "$*" = "-e /etc/kubernetes/kubelet.conf" ] && exit {int(not node)}')


def judged(
    folder: Path, nodes: dict[str, str], machines: dict[str, str], *arguments: str, package: str = "kubelet", **own: str
) -> tuple[int, str]:
    """``nodes``, ``machines``: versions of the package of those that are nodes, and that are none; ``own``: the container runtime
    that is wanted for one of them alone."""
    known = {**nodes, **machines}
    for name, version in known.items():
        machine(folder, name, name in nodes, **{package: version})
    variables = {name: {**WANTED, **({"containerd_version": own[name]} if name in own else {})} for name in known}
    return play(folder, JUDGING, variables, *arguments)


def test_p2_asks_before_its_roles() -> None:
    (prepared,) = [item for item in tasks_of("playbooks/p2_nodes.yml") if "roles" in item]
    assert "tasks/versions_that_run.yml" in [task.get("ansible.builtin.import_tasks") for task in prepared["pre_tasks"]]


def test_whoever_has_another_version_is_named_with_the_upgrade(tmp_path: Path) -> None:
    code, output = judged(tmp_path, {"m1": "1.36.3", "w1": "1.35.9"}, {"w2": "1.35.8"})
    assert code != 0, output
    assert "w1 has kubelet 1.35.9-1.1, w2 has kubelet 1.35.8-1.1: another version is brought in by playbooks/upgrade.yml" in output


def test_a_machine_that_is_no_node_may_have_another_version_replaced(tmp_path: Path) -> None:
    code, output = judged(tmp_path, {"m1": "1.36.3"}, {"w2": "1.35.8"}, *REPLACE)
    assert code == 0, output


def test_a_node_that_is_to_be_wiped_may_have_another_version_replaced(tmp_path: Path) -> None:
    for arguments, others in [((*WIPED, *REPLACE), ["w2"]), (WIPED, ["w1", "w2"])]:
        code, output = judged(tmp_path, {"m1": "1.36.3", "w1": "1.35.9", "w2": "1.35.9"}, {}, *arguments)
        told = ", ".join(f"{name} has kubelet 1.35.9-1.1" for name in others)
        assert code != 0 and f"and {told}: another version" in output, output


def test_a_node_has_its_kubelet_replaced_by_the_upgrade_alone(tmp_path: Path) -> None:
    code, output = judged(tmp_path, {"m1": "1.35.9", "w1": "1.35.9"}, {"w2": "1.35.8"}, *REPLACE)
    assert code != 0, output
    assert "m1 has kubelet 1.35.9-1.1, w1 has kubelet 1.35.9-1.1: another version is brought in by playbooks/upgrade.yml" in output
    assert "w2 has" not in output


def test_packages_of_one_machine_are_of_one_patch_as_the_role_has_them(tmp_path: Path) -> None:
    """Each of them is the wanted version; with kubectl alone the kubelet stays as it is."""
    machine(tmp_path, "m1", True, kubelet="1.36.2", kubeadm="1.36.3", kubectl="1.36.2")
    machine(tmp_path, "w1", True, kubelet="1.36.3", kubeadm="1.36.3", kubectl="1.37.0")
    for arguments, told in [((), "m1 has kubeadm 1.36.3-1.1, w1 has kubectl 1.37.0-1.1:"), (REPLACE, "m1 has kubeadm 1.36.3-1.1:")]:
        code, output = play(tmp_path, JUDGING, {"m1": WANTED, "w1": WANTED}, *arguments)
        assert code != 0 and f"{told} another version" in output, output


@pytest.mark.parametrize("arguments", [(), REPLACE_RUNTIME])
@pytest.mark.parametrize("package", ["containerd.io", "containerd"])
def test_the_runtime_under_pods_is_not_replaced_on_all_nodes_at_once(
    tmp_path: Path, arguments: tuple[str, ...], package: str
) -> None:
    """Nor one package by another that takes its place, whatever its version."""
    version = "1.7.24" if package == "containerd.io" else "2.1.5"
    code, output = judged(tmp_path, {"m1": version}, {"w2": "1.7.24"}, *arguments, package=package)
    assert code != 0 and f"m1 has {package} {version}-1.1" in output and ": on a node it is replaced with the kubelet" in output, output
    assert "playbooks/replace_node.yml -e replace=NAME -e containerd_replace=true" in output
    # Where it is no node apt takes one package for the other; another version of the same one is replaced if that is said.
    assert ("w2 has" in output) == (package == "containerd.io" and not arguments), output


def test_a_node_may_have_another_runtime_than_the_others(tmp_path: Path) -> None:
    """It is how they are replaced one after the other."""
    code, output = judged(tmp_path, {"m1": "2.1.5", "w1": "1.7.24"}, {}, package="containerd.io", w1="1.7")
    assert code == 0, output
    code, output = judged(tmp_path, {"m1": "2.1.5", "w1": "2.1.5"}, {}, package="containerd.io", w1="1.7")
    assert code != 0 and "w1 has containerd.io 2.1.5-1.1: on a node" in output and "m1 has" not in output, output


@pytest.mark.parametrize("package", ["containerd.io", "containerd"])
def test_the_runtime_of_a_node_that_is_to_be_wiped_is_replaced_if_that_is_said(tmp_path: Path, package: str) -> None:
    code, output = judged(tmp_path, {"w1": "1.7.24"}, {}, *WIPED, package=package)
    assert code != 0 and "is to be wiped, may have it replaced with -e containerd_replace=true" in output, output
    code, output = judged(tmp_path, {"w1": "1.7.24"}, {}, *WIPED, *REPLACE_RUNTIME, package=package)
    assert code == 0, output


def replaced(folder: Path, *arguments: str, lost: str = "") -> tuple[int, str]:
    """What replace_node.yml does before w1 leaves, and whether it goes on. ``lost``: a node that is not reached."""
    playbook = tasks_of("playbooks/replace_node.yml")
    (before,) = [item for item in playbook if "tasks/versions_that_run.yml" in str(item)]
    leaving = next(number for number, item in enumerate(playbook) if "leave_cluster.yml" in str(item))
    assert playbook.index(before) < leaving
    path = f"{folder}/programs/{{{{ inventory_hostname }}}}:{os.environ['PATH']}"
    going_on = {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": "it goes on"}}]}
    (reached,) = [item for item in playbook if "wait_for_connection" in str(item)]
    assert playbook.index(reached) < leaving
    reached["tasks"] = [task for task in reached["tasks"] if "block" in task]
    plays = [reached, {**before, "become": False, "environment": {"PATH": path}, "tasks": JUDGING}, going_on]
    (folder / "play.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    known = {name: {**WANTED, "ansible_connection": "ssh" if name == lost else "local"} for name in ("m1", "w1", "w2")}
    children = {"k8s_cluster": {"hosts": known}}
    variables = {"ansible_python_interpreter": sys.executable}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children, "vars": variables}}), encoding="utf-8")
    return run(folder, folder / "hosts.yml", folder / "play.yml", "-e", "replace=w1", *arguments)


def cluster(folder: Path, **other: dict[str, str]) -> None:
    for name in ("m1", "w1", "w2"):
        machine(folder, name, True, **{"kubelet": "1.36.3", "containerd_io": "2.1.5", **other.get(name, {})})


@pytest.mark.parametrize(
    ("other", "flags", "told"),
    [
        ({"w2": {"containerd_io": "1.7.24"}}, REPLACE_RUNTIME, "w2 has containerd.io 1.7.24-1.1"),
        ({"w2": {"kubectl": "1.37.0"}}, (), "w2 has kubectl 1.37.0-1.1"),
        ({"w1": {"kubelet": "1.35.9"}}, (), "w1 has kubelet 1.35.9-1.1"),
        ({"w1": {"kubelet": "1.35.9"}}, REPLACE, ""),
        ({"w1": {"containerd_io": "1.7.24"}}, (), "w1 has containerd.io 1.7.24-1.1"),
        ({"w1": {"containerd_io": "1.7.24"}}, REPLACE_RUNTIME, ""),
        ({"w1": {"containerd_io": "1.7.24", "kubelet": "1.35.9"}}, ("-e", "replace_guest=w1"), ""),
    ],
)
def test_what_p2_would_refuse_is_refused_before_the_node_leaves(
    tmp_path: Path, other: dict[str, dict[str, str]], flags: tuple[str, ...], told: str
) -> None:
    cluster(tmp_path, **other)
    code, output = replaced(tmp_path, *flags)
    assert ("it goes on" in output) == (code == 0) == (not told), output
    assert told in output and ("Nothing was changed" in output) == bool(told), output


def test_a_lost_node_is_replaced_and_the_others_are_judged_without_it(tmp_path: Path) -> None:
    cluster(tmp_path)
    code, output = replaced(tmp_path, lost="w1")
    assert "it goes on" in output and "unreachable" in output.lower(), output
    cluster(tmp_path, w2={"kubelet": "1.35.9"})
    code, output = replaced(tmp_path, lost="w1")
    assert code != 0 and "w2 has kubelet 1.35.9-1.1" in output and "it goes on" not in output, output


def test_another_node_that_is_lost_is_told_before_the_node_leaves(tmp_path: Path) -> None:
    """P2, which would join it again, refuses without the other."""
    cluster(tmp_path)
    code, output = replaced(tmp_path, lost="m1")
    assert code != 0 and "it goes on" not in output, output
    assert "Nothing was changed. m1 is not reached over SSH, and P2 would not join w1 again without it" in output


def test_a_node_that_is_reached_and_not_read_keeps_the_other_from_leaving(tmp_path: Path) -> None:
    cluster(tmp_path)
    (tmp_path / "programs/w2/dpkg-query").write_text("not a program", encoding="ascii")
    code, output = replaced(tmp_path)
    assert code != 0 and "it goes on" not in output, output
