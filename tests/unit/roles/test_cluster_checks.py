# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What acceptance wants of a node's operating system: the values of the roles that make it so, never a copy of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.unit.plays import run

ROLES = Path(__file__).parents[3] / "roles"
PLAY = [
    {
        "name": "A node is looked at",
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "vars": {"cluster_checks_probe": None, "cluster_checks_services": {}, "cluster_checks_mtu": 1450},
        "tasks": [
            {"name": "Checks", "ansible.builtin.include_role": {"name": "detectviz.infra.cluster_checks", "public": True}},
            {
                "name": "What is wanted",
                "ansible.builtin.copy": {"content": "{{ cluster_checks_system }}", "dest": "{{ wanted }}", "mode": "0600"},
            },
        ],
    }
]


def wanted(folder: Path, **variables: Any) -> dict[str, Any]:
    """Of a node that is this machine; what is found on it is nothing to this test."""
    play, told = folder / "play.yml", folder / "wanted.json"
    play.write_text(yaml.safe_dump(PLAY), encoding="utf-8")
    inventory = folder / "hosts.yml"
    node = {"ansible_python_interpreter": sys.executable, "wanted": str(told), **variables}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"node": node}}}), encoding="utf-8")
    code, said = run(folder, inventory, play)
    assert code == 0, said
    return dict(json.loads(told.read_text(encoding="utf-8")))


def test_the_roles_defaults_are_what_is_wanted(tmp_path: Path) -> None:
    kernel = yaml.safe_load((ROLES / "node_kernel/defaults/main.yml").read_text(encoding="utf-8"))
    assert wanted(tmp_path) == {
        "swap_allowed": False,
        "modules": kernel["node_kernel_modules"],
        "sysctls": kernel["node_kernel_sysctls"],
    }


def test_a_nodes_own_variables_go_over_them(tmp_path: Path) -> None:
    told = wanted(
        tmp_path, node_swap_allowed=True, node_kernel_modules=["overlay"], node_kernel_sysctls={"a.b": "1"}, pod_cidrs=["fd00::/56"]
    )
    assert told == {"swap_allowed": True, "modules": ["overlay"], "sysctls": {"a.b": "1", "net.ipv6.conf.all.forwarding": "1"}}
