# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows from the inventory, names for host keys, bridges of a host."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._guest_rows import (
    GUEST_KEYS,
    guest_rows,
    inspected_rows,
    known_hosts_entries,
    machine_summary,
    pinned_names,
    planned_steps,
    planned_templates,
    template_ids,
)
from ansible_collections.detectviz.infra.plugins.module_utils._host_bridges import host_bridges
from ansible_collections.detectviz.infra.plugins.plugin_utils.columns import OPTIONAL_KEYS

NETWORKS = {"vmbr0": {"cidr": "192.0.2.0/24", "mtu": 1500}, "vmbr1": {"cidr": "10.0.0.0/24", "mtu": 9000}}


def test_only_what_describes_the_machine_is_taken() -> None:
    hostvars = {"node-1": {"vm_id": 101, "cores": 2, "template": None, "ansible_host": "192.0.2.11", "vip": {}}}
    assert guest_rows(["node-1"], hostvars) == [{"name": "node-1", "vm_id": 101, "cores": 2}]


def test_every_key_of_a_tables_row_reaches_proxmox() -> None:
    assert set(OPTIONAL_KEYS) <= set(GUEST_KEYS)
    hostvars = {"node-1": {"vendor_snippet": "nas:snippets/mine.yml"}}
    assert guest_rows(["node-1"], hostvars) == [{"name": "node-1", "vendor_snippet": "nas:snippets/mine.yml"}]


def test_keys_are_known_under_name_addresses_and_dns_names() -> None:
    rows = [{"name": "a", "networks": [{"addresses": ["192.0.2.11/24"]}, {"addresses": ["dhcp"]}]}]
    guests = [{"name": "a", "host_keys": ["k"], "addresses": ["10.0.0.7"]}, {"name": "b", "host_keys": []}]
    records = [{"name": "a.example.net"}, {"name": "ab.example.net"}]
    assert known_hosts_entries(guests, rows, records) == [
        {"names": ["a", "192.0.2.11", "10.0.0.7", "a.example.net"], "keys": ["k"]}
    ]
    assert pinned_names([*rows, {"name": "b"}], records) == ["a", "192.0.2.11", "a.example.net", "b"]


def test_a_templates_name_leads_to_its_id() -> None:
    templates = [{"name": "a", "vm_id": 9000}, {"name": "b", "vm_id": 1, "nodes": {"pve1": 9001, "pve2": 9002}}]
    assert template_ids(templates) == {"a": 9000, "b": {"pve1": 9001, "pve2": 9002}}
    assert template_ids([{"name": "b", "nodes": {"pve1": 9001, "pve2": 9002}}]) == {"b": {"pve1": 9001, "pve2": 9002}}


def test_a_machine_carries_what_was_seen_or_why_it_was_not() -> None:
    rows = [{"name": name, "vm_id": number, "networks": []} for number, name in enumerate("abcd")]
    guests = [
        {"name": "a", "state": "running", "node": "pve2"},
        {"name": "b", "state": "running", "problem": "its agent is down"},
        {"name": "c", "state": "running"},
        {"name": "d", "state": "planned"},
    ]
    hostvars = {"a": {"machine_checks_probe": {"probe": {"hostname": "a"}}}, "b": {}, "d": {}}
    hostvars["c"] = {"machine_checks_probe": {"unreachable": True, "msg": "port 22: no route"}}
    seen = {row["name"]: row for row in inspected_rows(rows, guests, hostvars)}
    assert (seen["a"]["probe"], seen["a"]["pve_node"]) == ({"hostname": "a"}, "pve2")
    assert [seen[name]["reason"] for name in "bcd"] == ["its agent is down", "port 22: no route", "it is planned"]


def test_the_summary_says_what_was_not_inspected() -> None:
    row = {
        "name": "a",
        "vm_id": 1,
        "pve_node": "pve1",
        "networks": [{"addresses": ["192.0.2.1/24", "dhcp"]}],
        "state": "planned",
    }
    assert machine_summary([row])[1] == ["a", "1", "pve1", "192.0.2.1, dhcp", "planned, not inspected"]


def test_the_summary_says_who_needs_a_reboot() -> None:
    rows = [{"name": name, "networks": [], "state": state} for name, state in (("a", "running"), ("b", "stopped"))]
    assert [row[-1] for row in machine_summary(rows, ["a", "b"])[1:]] == ["running, reboot needed", "stopped"]


def test_only_templates_that_would_be_made_are_planned() -> None:
    made = {"node": "pve1", "vm_id": 9000, "operations": ["create"], "config": {"scsi0": "fast:base-9000-disk-0"}}
    there = {"node": "pve2", "vm_id": 9001, "operations": [], "config": {"scsi0": "fast:base-9001-disk-0"}}
    results = [{"template": {"name": "a", "nodes": [made, there]}}, {"skipped": True}]
    (planned,) = planned_templates(results)
    assert (planned["name"], planned["vm_id"], planned["node"]) == ("a", 9000, "pve1")
    assert planned["config"]["scsi0"] == "fast:base-9000-disk-0,size=0"


def test_steps_are_told_per_guest() -> None:
    guests = [{"name": "a", "operations": [{"text": "clone"}, {"text": "start"}]}, {"name": "b", "operations": []}]
    assert planned_steps(guests) == ["a: clone", "a: start"]


def test_a_host_gets_a_bridge_per_network_with_its_own_address() -> None:
    host = {"name": "pve1", "address": "192.0.2.2", "addresses": {"vmbr1": "10.0.0.2"}}
    assert host_bridges(host, NETWORKS) == [
        {"name": "vmbr0", "mtu": 1500, "cidr": "192.0.2.2/24"},
        {"name": "vmbr1", "mtu": 9000, "cidr": "10.0.0.2/24"},
    ]


def test_networks_on_one_bridge_share_it() -> None:
    networks = {
        "lan": {"cidr": "192.0.2.0/24", "bridge": "vmbr0", "mtu": 1500},
        "dmz": {"cidr": "10.0.0.0/24", "bridge": "vmbr0", "mtu": 9000, "vlan_tag": 20},
    }
    assert host_bridges({"name": "pve1", "address": "192.0.2.2"}, networks) == [
        {"name": "vmbr0", "mtu": 9000, "cidr": "192.0.2.2/24"}
    ]


def test_a_host_that_lists_its_bridges_gets_these() -> None:
    bridges = [{"name": "vmbr1", "ports": ["enp5s0"]}]
    assert host_bridges({"name": "pve1", "address": "192.0.2.2", "bridges": bridges}, NETWORKS) == bridges
