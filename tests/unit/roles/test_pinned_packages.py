# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of another version are replaced only with the user's word, which comes as text from the command line; and what a node is to
have is fetched while it still works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plays import play, program, tasks_of

ROLE: dict[str, Any] = {"name": "detectviz.infra.pinned_packages"}
OPTIONS = {"pinned_packages_names": ["kubelet"], "pinned_packages_version": "1.36", "pinned_packages_repository": {}}


@pytest.mark.parametrize(("word", "replaced"), [("true", True), ("yes", True), ("false", False), (None, False)])
def test_another_version_is_replaced_only_where_the_user_says_so(tmp_path: Path, word: str | None, replaced: bool) -> None:
    program(tmp_path, "node", "dpkg-query", "printf 'kubelet\\t1.35.9-1.1\\thi \\n'")
    program(tmp_path, "node", "apt-cache", "exit 0")
    said = [] if word is None else ["-e", f"pinned_packages_replace={word}"]
    code, output = play(tmp_path, [{"ansible.builtin.include_role": ROLE, "vars": OPTIONS}], {"node": {}}, "--check", *said)
    assert (code == 0) is replaced, output
    assert ("Would be installed: kubelet 1.36" in output) is replaced, output
    assert ("node has kubelet 1.35.9-1.1, and the site wants 1.36" in output) is not replaced, output


@pytest.mark.parametrize(
    ("lacking", "known", "asked"),
    [("kubelet", "", "kubelet=1.36.3-1.1"), ("kubelet", "cri-tools", "kubelet=1.36.3-1.1 cri-tools"), ("nothing", "cri-tools", None)],
)
def test_what_is_only_wanted_where_it_is_offered_comes_with_the_others_or_not(
    tmp_path: Path, lacking: str, known: str, asked: str | None
) -> None:
    """A node that has what it needs is not changed for it, and no repository asked."""
    program(tmp_path, "node", "dpkg-query", "exit 0" if lacking == "kubelet" else "printf 'kubelet\\t1.36.3-1.1\\thi \\n'")
    offers = " kubelet | 1.36.3-1.1 | x\\n" + (f" {known} | 1.37.0-1.1 | x\\n" if known else "")
    program(tmp_path, "node", "apt-cache", f"printf '{offers}'")
    program(tmp_path, "node", "apt-get", f'echo "$@" >> {tmp_path}/asked')
    role = {**ROLE, "tasks_from": "fetch.yml"}
    options = {**OPTIONS, "pinned_packages_where_offered": ["cri-tools"]}
    code, output = play(tmp_path, [{"ansible.builtin.include_role": role, "vars": options}], {"node": {}})
    assert code == 0, output
    said = tmp_path / "asked"
    assert said.exists() is (asked is not None)
    assert asked is None or said.read_text(encoding="utf-8").strip().endswith(f"--no-download {asked}")


def upgraded(folder: Path, containerd: str, kept: bool = False) -> tuple[int, str, str]:
    """Exit code and output of the upgrade's preparation on a node with containerd 2.1 and the kubelet of 1.35, where 2.2 and 1.36.3
    are offered; and what apt-get was asked for. ``kept``: whether the packages are downloaded already."""
    program(folder, "node", "dpkg-query", "printf 'kubelet\\t1.35.9-1.1\\thi \\ncontainerd\\t2.1.5-1\\thi \\n'")
    offers = "".join(f" {name} | {version} | x\\n" for name, version in (
        ("kubelet", "1.36.3-1.1"), ("kubectl", "1.36.3-1.1"), ("containerd", "2.2.0-1")))  # fmt: skip
    program(folder, "node", "apt-cache", f"printf '{offers}'")
    there = f'case "$*" in *--no-download*) exit {0 if kept else 100};; esac'
    program(folder, "node", "apt-get", f'echo "$@" >> {folder}/asked; {there}')
    program(folder, "node", "containerd", "exit 0")
    program(folder, "node", "ctr", "exit 0")
    tasks = [task for task in tasks_of("roles/kubernetes_upgrade/tasks/prepare.yml") if "downloaded" in task["name"]]
    for task in tasks:
        task.setdefault("vars", {})["__kubernetes_packages_repository"] = {}
    planned = {"kubernetes_upgrade_plan": {"steps": {"node": ["kubelet"]}, "target": "v1.36.3"}}
    variables = {
        **tasks_of("roles/kubernetes_upgrade/vars/main.yml"), "containerd_version": containerd, "containerd_package": "containerd",
        "containerd_source": {"repository": "none"}, "containerd_folder": str(folder),
    }  # fmt: skip
    code, output = play(folder, tasks, {"localhost": planned, "node": variables}, "--limit", "node")
    asked = folder / "asked"
    return code, output, asked.read_text(encoding="utf-8") if asked.exists() else ""


def test_an_upgrade_downloads_for_every_node_before_any_is_emptied(tmp_path: Path) -> None:
    code, output, asked = upgraded(tmp_path, "2.2")
    assert code == 0, output
    downloads = [line.split() for line in asked.splitlines() if "install" in line and "--no-download" not in line]
    assert all("--download-only" in line for line in downloads)
    assert [line[-2:] if "kubectl" in line[-1] else line[-1:] for line in downloads] == [
        ["containerd=2.2.0-1"],
        ["kubelet=1.36.3-1.1", "kubectl=1.36.3-1.1"],
    ]


def test_no_repository_is_asked_for_packages_that_are_downloaded_already(tmp_path: Path) -> None:
    """At a node's turn in an upgrade they are, and the repository may be away by then."""
    code, output, asked = upgraded(tmp_path, "2.2", kept=True)
    assert code == 0, output
    assert len(asked.splitlines()) == 2 and all("--no-download" in line for line in asked.splitlines()), asked


def test_an_upgrade_stops_there_where_no_repository_offers_the_container_runtime(tmp_path: Path) -> None:
    code, output, asked = upgraded(tmp_path, "2.3")
    assert code != 0 and "node: no repository offers containerd 2.3" in output, output
    assert "install" not in asked


@pytest.mark.parametrize(
    ("wanted", "missing"), [("2.1", ""), ("2.2", ""), ("2.3", "containerd 2.3 (offered: 2.2.0-1)")], ids=["there", "offered", "neither"]
)
def test_a_container_runtime_that_cannot_be_had_is_seen_before_anything_is_changed(tmp_path: Path, wanted: str, missing: str) -> None:
    program(tmp_path, "node", "dpkg-query", "printf 'containerd\\t2.1.5-1\\thi \\n'")
    program(tmp_path, "node", "apt-cache", "echo ' containerd | 2.2.0-1 | x'")
    role = {"name": "detectviz.infra.containerd", "tasks_from": "offers.yml"}
    tasks = [{"ansible.builtin.include_role": role}, {"ansible.builtin.debug": {"msg": "missing: {{ containerd_offers.missing | join }}."}}]
    variables = {"containerd_version": wanted, "containerd_package": "containerd", "containerd_source": {"repository": "none"}}
    code, output = play(tmp_path, tasks, {"node": variables}, "--check")
    assert code == 0 and f"missing: {missing}." in output, output
