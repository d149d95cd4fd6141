# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's network beside the table."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._node_network import (
    netplan_config,
    network_differences,
    parse_gateways,
    parse_resolv_conf,
    with_site_mtu,
)

TABLE = [
    {"name": "eth0", "bridge": "vmbr0", "addresses": ["192.168.0.11/24"], "gateway": "192.168.0.1", "mtu": 9000},
    {"name": "eth1", "bridge": "vmbr1", "addresses": ["10.0.0.11/24"], "gateway": None, "mtu": 9000},
]
FOUND = {
    "interfaces": {
        "eth0": {"mtu": 9000, "addresses": ["192.168.0.11/24"]},
        "eth1": {"mtu": 9000, "addresses": ["10.0.0.11/24", "10.0.0.99/24"]},
    },
    "gateways": {"eth0": ["192.168.0.1"]},
}


def changed(**interfaces: dict) -> dict:
    return {**FOUND, "interfaces": {**FOUND["interfaces"], **interfaces}}


def test_a_network_as_in_the_table_has_nothing_to_write() -> None:
    assert network_differences(TABLE, FOUND) == {"mtu": {}, "gateways": {}, "problems": []}


def test_another_mtu_is_written() -> None:
    assert network_differences(TABLE, changed(eth1={"mtu": 1500, "addresses": ["10.0.0.11/24"]}))["mtu"] == {"eth1": 9000}


def test_a_missing_gateway_is_written() -> None:
    assert network_differences(TABLE, {**FOUND, "gateways": {}})["gateways"] == {"eth0": ["192.168.0.1"]}


def test_a_missing_address_or_interface_is_a_problem_of_p1() -> None:
    found = {**FOUND, "interfaces": {"eth0": {"mtu": 9000, "addresses": []}}}
    problems = network_differences(TABLE, found)["problems"]
    assert len(problems) == 2
    assert "192.168.0.11/24" in problems[0]
    assert "eth1 does not exist; there are eth0" in problems[1]


def test_dhcp_is_no_address_to_look_for() -> None:
    assert network_differences([{"name": "eth0", "addresses": ["dhcp"], "mtu": 9000}], FOUND)["problems"] == []


def test_the_mtu_of_the_network_fills_in() -> None:
    networks = {"a": {"bridge": "vmbr0", "vlan_tag": None, "mtu": 9000}, "b": {"bridge": "vmbr0", "vlan_tag": 7, "mtu": 1400}}
    nics = [{"name": "a", "bridge": "vmbr0"}, {"name": "b", "bridge": "vmbr0", "vlan_tag": 7}, {"name": "c", "bridge": "x"},
            {"name": "d", "bridge": "vmbr0", "mtu": 1300}]  # fmt: skip
    assert [nic["mtu"] for nic in with_site_mtu(nics, networks)] == [9000, 1400, 1500, 1300]


def test_netplan_gets_mtu_and_missing_routes_and_keeps_those_written_before() -> None:
    known = {"network": {"ethernets": {"eth0": {"routes": [{"to": "0.0.0.0/0", "via": "192.168.0.1"}]}}}}
    written = netplan_config(TABLE, {"eth1": ["fd00::1"]}, known)
    assert written["network"]["ethernets"] == {
        "eth0": {"mtu": 9000, "routes": [{"to": "0.0.0.0/0", "via": "192.168.0.1"}]},
        "eth1": {"mtu": 9000, "routes": [{"to": "::/0", "via": "fd00::1"}]},
    }


def test_gateways_and_resolvers_are_read() -> None:
    assert parse_gateways([{"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"}, {"dst": "default", "dev": "tun0"}]) == {
        "eth0": ["192.0.2.1"]
    }
    text = "# x\nnameserver 192.0.2.1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch a b\n"
    assert parse_resolv_conf(text) == (["192.0.2.1", "192.0.2.2"], ["a", "b"])
