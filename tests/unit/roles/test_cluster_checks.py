# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What acceptance wants of a node: the values of the roles that make it so, never a copy of them. And what is left of a look that
fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.unit.plays import play

ROLES = Path(__file__).parents[3] / "roles"
NODE = {"cluster_checks_probe": None, "cluster_checks_services": {}, "calico_mtu": 1450}
CHECKS = {"name": "Checks", "ansible.builtin.include_role": {"name": "detectviz.infra.cluster_checks", "public": True}}


def wanted(folder: Path, **variables: Any) -> dict[str, Any]:
    """Of a node that is this machine; what is found on it is nothing to this test."""
    kept = folder / "wanted.json"
    what = "{{ cluster_checks_system | combine({'mtu': cluster_checks_mtu | int}) }}"
    keep = {"name": "What is wanted", "ansible.builtin.copy": {"content": what, "dest": str(kept), "mode": "0600"}}
    code, said = play(folder, [CHECKS, keep], {"node": {**NODE, **variables}})
    assert code == 0, said
    return dict(json.loads(kept.read_text(encoding="utf-8")))


def test_the_roles_defaults_are_what_is_wanted(tmp_path: Path) -> None:
    kernel = yaml.safe_load((ROLES / "node_kernel/defaults/main.yml").read_text(encoding="utf-8"))
    assert wanted(tmp_path) == {
        "swap_allowed": False,
        "modules": kernel["node_kernel_modules"],
        "sysctls": kernel["node_kernel_sysctls"],
        "interfaces": [],
        "mtu": 1450,
    }


def test_a_nodes_own_variables_go_over_them(tmp_path: Path) -> None:
    found = wanted(
        tmp_path, node_swap_allowed=True, node_kernel_modules=["overlay"], node_kernel_sysctls={"a.b": "1"},
        pod_cidrs=["fd00::/56"], networks=[{"name": "eth0", "gateway": "192.0.2.1", "mtu": 1500}],
    )  # fmt: skip
    interfaces = [{"name": "eth0", "gateway": "192.0.2.1", "mtu": 1500}]
    sysctls = {"a.b": "1", "net.ipv6.conf.all.forwarding": "1"}
    assert found == {"swap_allowed": True, "modules": ["overlay"], "sysctls": sysctls, "interfaces": interfaces, "mtu": 1450}


def python_that_fails(folder: Path, host: str, *turns: int) -> Path:
    """A Python that ends at once in these of the runs of ``node_probe`` that it is asked for, and notes each of them."""
    asked, script = folder / f"{host}.asked", folder / f"{host}.python"
    fails = " ".join(f"{turn})exit 1;;" for turn in turns)
    words = f"case $* in *node_probe*)echo >>{asked};case $(wc -l <{asked}) in {fails} esac;;esac"
    script.write_text(f"#!/bin/sh\n{words}\nexec {sys.executable} \"$@\"\n", encoding="ascii")
    script.chmod(0o755)
    return script


def test_what_is_seen_of_a_node_is_kept_and_what_is_not_is_told(tmp_path: Path) -> None:
    turns: dict[str, tuple[int, ...]] = {"well": (), "first-once": (1,), "first": (1, 2), "second": (2,)}
    hosts: dict[str, dict[str, Any]] = {
        name: {**NODE, "ansible_python_interpreter": str(python_that_fails(tmp_path, name, *failing))}
        for name, failing in turns.items()
    }
    hosts["away"] = {**NODE, "ansible_connection": "ssh", "cluster_checks_ssh_timeout": 1}
    looks = "['cluster_checks_node', 'cluster_checks_reach']"
    kept = "hostvars[inventory_hostname][look] | default({})"
    told = f"{{% for look in {looks} %}}{{{{ ({kept}).keys() | intersect(['msg', 'probe']) | join }}}} {{% endfor %}}"
    seen = {
        "name": "What is known",
        "ansible.builtin.copy": {"content": told, "dest": f"{tmp_path}/{{{{ inventory_hostname }}}}.seen", "mode": "0600"},
        "delegate_to": "localhost",
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
    }
    code, said = play(tmp_path, [CHECKS, seen], hosts)
    assert code == 0, said
    assert {name: (tmp_path / f"{name}.seen").read_text(encoding="utf-8").split() for name in hosts} == {
        "well": ["probe", "probe"],
        "first-once": ["probe", "probe"],
        "first": ["msg"],
        "second": ["probe", "msg"],
        "away": ["msg"],
    }
    asked = {name: (tmp_path / f"{name}.asked").read_text(encoding="ascii").count("\n") for name in turns}
    assert asked == {"well": 2, "first-once": 3, "first": 2, "second": 2}
