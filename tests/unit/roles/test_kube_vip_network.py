# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VIP is looked for among the prefixes of its own IP version: a master need not have an address in the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.plays import ROOT, play

BOTH = ["192.0.2.0/24", "fd00::/64"]


@pytest.mark.parametrize(
    ("address", "cidrs", "subnet"),
    [
        ("192.0.2.10", BOTH, "192.0.2.0/24"),
        ("fd00::10", BOTH, "fd00::/64"),
        ("192.0.2.10", BOTH[:1], "192.0.2.0/24"),
        ("fd00::10", BOTH[1:], "fd00::/64"),
    ],
)
def test_prefixes_of_another_ip_version_are_left_out(tmp_path: Path, address: str, cidrs: list[str], subnet: str) -> None:
    tasks = [
        *({"ansible.builtin.include_vars": f"{ROOT}/roles/kube_vip/{folder}/main.yml"} for folder in ("defaults", "vars")),
        {"ansible.builtin.debug": {"msg": "it is <{{ kube_vip_subnet }}>"}},
    ]
    site = {"vip": {"address": address, "network": "vmbr0"}, "site_derived": {"networks": {"vmbr0": {"cidrs": cidrs}}}}
    code, said = play(tmp_path, tasks, {"node": site})
    assert code == 0 and f"it is <{subnet}>" in said, said
