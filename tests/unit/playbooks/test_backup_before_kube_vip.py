# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kube-vip's static pod on a running master is a change to the control plane: a backup is made before it, and none without it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.plays import program, run, tasks_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the static pod belongs to root")

MASTERS = ("m1", "m2")
LINKS = [
    {"ifname": "eth0", "addr_info": [{"family": "inet", "local": "192.0.2.11", "prefixlen": 24, "scope": "global"}]},
    {"ifname": "eth1", "addr_info": [{"family": "inet", "local": "198.51.100.11", "prefixlen": 24, "scope": "global"}]},
]
SITE = {
    "kube_vip_timeout": 1,
    "kube_vip_address": "192.0.2.10",
    "kube_vip_subnet": "192.0.2.0/24",
    "kube_vip_version": "v1.2.3",
    "kube_vip_manifest_file": "{{ playbook_dir }}/{{ inventory_hostname }}.yaml",
}
PLAN = {"exists": True, "giver": "m1", "first": None, "steps": dict.fromkeys(MASTERS, "none")}


def local(play: dict[str, Any], tasks: list[dict[str, Any]]) -> dict[str, Any]:
    """A play on masters that are this machine but for their programs."""
    path = f"{{{{ playbook_dir }}}}/programs/{{{{ inventory_hostname }}}}:{os.environ['PATH']}"
    here = {"hosts": "masters", "gather_facts": False, "become": False, "connection": "local", "environment": {"PATH": path}}
    return {**play, **here, "tasks": tasks}


def run_plays(folder: Path, plays: list[dict[str, Any]], *words: str, manifests: bool = True) -> tuple[int, str]:
    for host in MASTERS:
        program(folder, host, "ip", f"echo '{json.dumps(LINKS)}'")
        program(folder, host, "kubectl", "exit 1")
    seen = {"cluster_state_result": {"node": {"manifests": ["etcd"] if manifests else []}}}
    masters = {"vars": {"ansible_python_interpreter": sys.executable, **SITE, **seen}, "hosts": dict.fromkeys(MASTERS)}
    localhost = {"ansible_connection": "local", "site_derived": {"cluster": {"certificate_names": []}}}
    inventory = {"all": {"hosts": {"localhost": localhost}, "children": {"masters": masters}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    (folder / "play.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    return run(folder, folder / "hosts.yml", folder / "play.yml", *words)


def written(folder: Path) -> None:
    """The masters have the static pods of the site."""
    writing = {"ansible.builtin.include_role": {"name": "detectviz.infra.kube_vip", "tasks_from": "manifest.yml"}}
    code, said = run_plays(folder, [local({}, [writing])])
    assert code == 0, said


def played(folder: Path, plan: dict[str, Any], *words: str, **site: Any) -> str:
    """What the plays of P2 say that ask, decide and write, without what needs a cluster. ``site``: data that is other by now."""
    ours = tasks_of("playbooks/p2_kubernetes.yml")
    asking, backup, whole = (
        next(play for play in ours if f"detectviz.infra.{role}'" in str(play) and play["hosts"] == hosts)
        for role, hosts in (("cluster_state", "k8s_cluster"), ("etcd_backup", "localhost"), ("kube_vip", "masters"))
    )
    told = {"ansible.builtin.debug": {"msg": "a backup from {{ etcd_backup_from }}"}}
    plays = [
        local(asking, [task for task in asking["tasks"] if "infra.kube_vip'" in str(task)]),
        {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.set_fact": {"cluster_plan": plan}}]},
        {**backup, "tasks": [{**told, "vars": task["vars"], "when": task["when"]} for task in backup["tasks"]]},
        local(whole, [task for task in whole["tasks"] if "infra.kube_vip'" in str(task)]),
    ]
    return run_plays(folder, plays, "-e", json.dumps(site), *words, manifests=plan["exists"])[1]


@pytest.mark.parametrize(
    "site",
    [
        {"kube_vip_image": "registry.example.org/kube-vip"},
        {"kube_vip_lease_duration": 9},
        {"kube_vip_subnet": "198.51.100.0/24", "kube_vip_address": "198.51.100.10"},
    ],
    ids=["image", "lease", "interface"],
)
@pytest.mark.parametrize("words", [(), ("--check",)], ids=["real", "check"])
def test_a_backup_is_made_before_a_running_masters_static_pod_is_changed(
    tmp_path: Path, words: tuple[str, ...], site: dict[str, Any]
) -> None:
    written(tmp_path)
    was = (tmp_path / "m1.yaml").read_text(encoding="utf-8")
    said = played(tmp_path, PLAN, *words, **site)
    before, backup, after = said.partition("a backup from m1")
    assert backup and "(only compared)" in before and "(only compared)" not in after and "changed: [m1]" in after, said
    assert ((tmp_path / "m1.yaml").read_text(encoding="utf-8") == was) is bool(words)


def test_a_static_pod_that_is_right_needs_no_backup_and_is_looked_at_once(tmp_path: Path) -> None:
    written(tmp_path)
    said = played(tmp_path, PLAN, "--check")
    assert "a backup from" not in said and said.count("changed=0") == 3 and said.count("failed=0") == 3, said
    assert said.count("The static pod holds the VIP") == 1, said


def test_one_master_that_differs_is_enough(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "m2.yaml").unlink()
    assert "a backup from m1" in played(tmp_path, PLAN)


def test_where_there_is_no_cluster_yet_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    plan = {"exists": False, "giver": None, "first": "m1", "steps": {"m1": "init", "m2": "join"}}
    said = played(tmp_path, plan, "--check")
    assert "a backup from" not in said and "skipping: [m1]" in said and "changed: [m2]" in said, said
