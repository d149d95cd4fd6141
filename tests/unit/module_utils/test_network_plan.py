# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges: what is sent, what is left alone, and what is refused."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._network_plan import plan_bridges, unmet

PRESENT = [
    {"iface": "enp4s0", "type": "eth", "active": 1},
    {"iface": "enp5s0", "type": "eth", "active": 1},
    {
        "iface": "vmbr0",
        "type": "bridge",
        "cidr": "192.0.2.2/24",
        "address": "192.0.2.2",
        "gateway": "192.0.2.1",
        "bridge_ports": "enp4s0",
        "mtu": "1500",
        "autostart": 1,
        "active": 1,
    },
    {
        "iface": "vmbr1",
        "type": "bridge",
        "cidr": "10.0.0.2/24",
        "address": "10.0.0.2",
        "bridge_ports": "enp5s0",
        "autostart": 1,
        "comments": "cluster\n",
        "active": 1,
    },
]


def test_a_new_bridge_is_created() -> None:
    wanted = [{"name": "vmbr2", "cidr": "10.1.0.2/24", "mtu": 9000}]
    operations, problems = plan_bridges("pve1", wanted, PRESENT)
    assert problems == []
    assert [(item.action, item.parameters) for item in operations] == [
        ("create", {"iface": "vmbr2", "type": "bridge", "cidr": "10.1.0.2/24", "mtu": 9000, "autostart": 1})
    ]


def test_an_update_keeps_what_the_site_does_not_say() -> None:
    (operation,), problems = plan_bridges("pve1", [{"name": "vmbr1", "mtu": 9000}], PRESENT)
    assert problems == []
    assert operation.parameters == {
        "iface": "vmbr1",
        "type": "bridge",
        "cidr": "10.0.0.2/24",
        "bridge_ports": "enp5s0",
        "autostart": 1,
        "comments": "cluster",
        "mtu": 9000,
    }


def test_a_bridge_as_wanted_needs_nothing() -> None:
    wanted = [{"name": "vmbr0", "mtu": 1500, "ports": ["enp4s0"]}, {"name": "vmbr1", "cidr": "10.0.0.2/24"}]
    assert plan_bridges("pve1", wanted, PRESENT, "192.0.2.2") == ([], [])


def test_the_bridge_of_the_management_address_is_refused() -> None:
    _operations, problems = plan_bridges("pve1", [{"name": "vmbr0", "mtu": 9000}], PRESENT, "192.0.2.2")
    assert len(problems) == 1
    assert "mtu: 1500 → 9000" in problems[0]


def test_the_bridge_of_the_default_gateway_is_refused_too() -> None:
    _operations, problems = plan_bridges("pve1", [{"name": "vmbr0", "mtu": 9000}], PRESENT, "10.0.0.2")
    assert len(problems) == 1


def test_all_problems_are_told_at_once() -> None:
    wanted = [{"name": "enp4s0"}, {"name": "vmbr2", "ports": ["enp9s0"]}, {"name": "vmbr3", "ports": ["enp5s0"]}]
    _operations, problems = plan_bridges("pve1", wanted, PRESENT)
    assert ["not a bridge" in problems[0], "enp9s0" in problems[1], "belongs to vmbr1" in problems[2]] == [True] * 3


def test_what_was_not_applied_is_told() -> None:
    operations, _problems = plan_bridges("pve1", [{"name": "vmbr2", "mtu": 9000}], PRESENT)
    made = {"iface": "vmbr2", "type": "bridge", "mtu": "9000", "autostart": 1}
    assert unmet(operations, PRESENT) == ["vmbr2 is not there"]
    assert unmet(operations, [*PRESENT, made]) == ["vmbr2 is not active"]
    assert unmet(operations, [*PRESENT, made | {"active": 1}]) == []


def test_the_vlans_that_proxmox_writes_by_itself_are_no_difference() -> None:
    """A bridge that knows VLANs is listed with all of them, though nobody named any."""
    wanted = [{"name": "vmbr2", "vlan_aware": True}]
    (operation,), _problems = plan_bridges("pve1", wanted, PRESENT)
    listed = {"iface": "vmbr2", "type": "bridge", "autostart": 1, "bridge_vlan_aware": 1, "bridge_vids": "2-4094"}
    assert unmet([operation], [{**listed, "active": 1}]) == []
    assert plan_bridges("pve1", wanted, [*PRESENT, listed]) == ([], [])
