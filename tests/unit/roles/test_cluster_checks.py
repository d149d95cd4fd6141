# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What acceptance wants of a node: the values of the roles that make it so, never a copy of them."""

from __future__ import annotations

import json
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
        "mtu": 1450,
    }


def test_a_nodes_own_variables_go_over_them(tmp_path: Path) -> None:
    found = wanted(
        tmp_path, node_swap_allowed=True, node_kernel_modules=["overlay"], node_kernel_sysctls={"a.b": "1"},
        pod_cidrs=["fd00::/56"],
    )  # fmt: skip
    sysctls = {"a.b": "1", "net.ipv6.conf.all.forwarding": "1"}
    assert found == {"swap_allowed": True, "modules": ["overlay"], "sysctls": sysctls, "mtu": 1450}
