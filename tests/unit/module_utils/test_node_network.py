# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's network beside the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _node_network
from ansible_collections.detectviz.infra.plugins.module_utils._node_network import (
    names_gateway,
    netplan_config,
    network_differences,
    parse_default_routes,
    parse_gateways,
    parse_resolv_conf,
    read_default_routes,
    superfluous_routes,
    with_site_mtu,
)
from hypothesis import given
from hypothesis import strategies as st

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
    "own_gateways": {"eth0": []},
}


def changed(**interfaces: dict) -> dict:
    return {**FOUND, "interfaces": {**FOUND["interfaces"], **interfaces}}


def test_a_network_as_in_the_table_has_nothing_to_write() -> None:
    assert network_differences(TABLE, FOUND) == {"mtu": {}, "gateways": {}, "stale": {}, "problems": []}


def test_another_mtu_is_written() -> None:
    assert network_differences(TABLE, changed(eth1={"mtu": 1500, "addresses": ["10.0.0.11/24"]}))["mtu"] == {"eth1": 9000}


def test_a_missing_gateway_is_written() -> None:
    assert network_differences(TABLE, {**FOUND, "gateways": {}})["gateways"] == {"eth0": ["192.168.0.1"]}


def test_a_gateway_of_an_earlier_run_is_written_out_only_where_the_table_has_it_no_more() -> None:
    both = {**FOUND, "gateways": {"eth0": ["192.168.0.1", "192.168.0.254"]}}
    own = {**both, "own_gateways": {"eth0": ["192.168.0.1", "192.168.0.254"]}}
    assert network_differences(TABLE, both)["stale"] == {}
    assert network_differences(TABLE, own)["stale"] == {"eth0": ["192.168.0.254"]}
    assert network_differences([{**TABLE[0], "gateway": None}, TABLE[1]], own)["stale"] == {"eth0": ["192.168.0.1", "192.168.0.254"]}


def test_a_gateway_of_the_table_may_be_written_in_its_long_form() -> None:
    table = [{"name": "eth0", "addresses": ["fd00::b/64"], "gateway6": "FD00:0:0::1", "mtu": 9000}]
    found = {"interfaces": {"eth0": {"mtu": 9000, "addresses": ["fd00::b/64"]}}, "gateways": {"eth0": ["fd00::1"]}, "own_gateways": {}}
    assert network_differences(table, found)["gateways"] == {}


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


def test_an_own_route_by_a_gateway_that_the_table_has_no_more_does_not_stay() -> None:
    known = {"network": {"ethernets": {"eth0": {"routes": [{"to": "0.0.0.0/0", "via": "192.168.0.254"}]}}}}
    written = netplan_config(TABLE, {"eth0": ["192.168.0.1"]}, known)["network"]["ethernets"]
    assert written["eth0"]["routes"] == [{"to": "0.0.0.0/0", "via": "192.168.0.1"}]


def test_gateways_and_resolvers_are_read() -> None:
    assert parse_gateways([{"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"}, {"dst": "default", "dev": "tun0"}]) == {
        "eth0": ["192.0.2.1"]
    }
    text = "# x\nnameserver 192.0.2.1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch a b\n"
    assert parse_resolv_conf(text) == (["192.0.2.1", "192.0.2.2"], ["a", "b"])


def way(gateway: str, interface: str = "eth0", metric: int = 0, announced: bool = False) -> dict[str, Any]:
    version = 6 if ":" in gateway else 4
    return {"version": version, "interface": interface, "gateway": gateway, "metric": metric, "announced": announced}


def test_every_way_out_is_read() -> None:
    printed = [
        {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0", "metric": 100},
        {"dst": "default", "nexthops": [{"gateway": "192.0.2.2", "dev": "eth0"}, {"gateway": "192.0.2.3", "dev": "eth1"}]},
        {"dst": "default", "via": {"family": "inet6", "host": "fe80::1"}, "dev": "eth1"},
        {"dst": "default", "dev": "tun0", "scope": "link"},
        {"type": "unreachable", "dst": "default", "dev": "lo", "metric": 4294967295},
    ]
    wanted = [way("192.0.2.1", metric=100), way("192.0.2.2"), way("192.0.2.3", "eth1"), way("fe80::1", "eth1"), way("", "tun0")]
    assert parse_default_routes(printed, 4) == [{**route, "version": 4} for route in wanted]
    (told,) = parse_default_routes([{"dst": "default", "gateway": "fe80::1", "dev": "eth0", "protocol": "ra", "metric": 1024}], 6)
    assert told == way("fe80::1", metric=1024, announced=True)


def test_a_gateway_that_stays_beside_the_tables_is_superfluous() -> None:
    (told,) = superfluous_routes(TABLE, [way("192.168.0.1"), way("192.168.0.254")])
    assert (told["interface"], told["gateway"], told["taken"]) == ("eth0", "192.168.0.254", True)


def test_the_tables_gateway_on_another_interface_is_superfluous() -> None:
    assert superfluous_routes(TABLE, [way("192.168.0.1"), way("192.168.0.1", "eth1")])[0]["interface"] == "eth1"


@pytest.mark.parametrize(
    ("ours", "other", "taken"),
    [(100, 200, False), (100, 100, True), (200, 100, True), (None, 200, True)],
    ids=["behind", "beside", "before", "alone"],
)
def test_a_route_behind_the_tables_is_never_taken(ours: int | None, other: int, taken: bool) -> None:
    # One of the other IP version is nothing to compare with.
    routes = [way("192.168.0.254", metric=other), way("fe80::1", announced=True)]
    routes += [] if ours is None else [way("192.168.0.1", metric=ours)]
    assert [route["taken"] for route in superfluous_routes(TABLE, routes)] == [taken]


def test_what_dhcp_gives_and_what_a_router_announces_is_as_it_should_be() -> None:
    routes = [way("192.168.0.254"), way("fe80::1", "eth1", announced=True)]
    assert superfluous_routes([{"name": "eth0", "addresses": ["dhcp"]}], routes) == []


FEW = st.tuples(st.sampled_from("ab"), st.sampled_from(["192.0.2.1", "192.0.2.2", "fd00::1"]))


def nic(name: str, gateway: str) -> dict[str, Any]:
    return {"name": name, "gateway6" if ":" in gateway else "gateway": gateway}


@given(st.lists(FEW), st.lists(st.tuples(FEW, st.integers(0, 2))))
def test_each_route_is_the_tables_or_told_and_none_is_told_once_the_table_has_it(
    table: list[tuple[str, str]], ways: list[tuple[tuple[str, str], int]]
) -> None:
    routes = [way(gateway, name, metric) for (name, gateway), metric in ways]
    told = {(route["interface"], route["gateway"]) for route in superfluous_routes([nic(*row) for row in table], routes)}
    assert told == {present for present, _metric in ways} - set(table)
    assert superfluous_routes([nic(*row) for row in [*table, *told]], routes) == []


GATEWAYS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
FORMS = [
    "network:\n  ethernets:\n    eth0:\n      gateway4: {0}\n",
    "routes:\n- to: default\n  via: {0}\n",
    "routes: [{{to: default, via: '{0}'}}]\n",
    '{{"via": "{0}"}}',
    "[Match]\nName=eth0\n\n[Network]\nGateway={0}\n",
    "iface eth0 inet static\n    address 198.51.100.7/24\n    gateway {0}\n",
    "  ip route replace default via {0} dev eth0\n",
]


@given(st.sampled_from(FORMS), GATEWAYS, GATEWAYS)
def test_a_gateway_is_found_in_every_form_of_file_and_no_other_is(form: str, gateway: str, other: str) -> None:
    assert names_gateway(form.format(gateway), gateway)
    assert names_gateway(form.format(gateway), other) is (gateway == other)


@pytest.mark.parametrize(
    "text",
    ["addresses: [192.0.2.1/24]", "nameservers: {addresses: [192.0.2.1]}", "# gateway 192.0.2.1", "gateway4: 192.0.2.10",
     "via: 192.0.2.1/32", ""],
)  # fmt: skip
def test_an_address_that_is_no_gateway_names_none(text: str) -> None:
    assert not names_gateway(text, "192.0.2.1")


def test_a_route_comes_with_the_files_that_name_its_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "50-cloud-init.yaml", tmp_path / "90-detectviz.yaml"
    old.write_text("gateway4: 192.0.2.254\n", encoding="ascii")
    new.write_text("via: 192.0.2.1\n", encoding="ascii")
    monkeypatch.setattr(_node_network, "CONFIGURATION", (f"{tmp_path}/*.yaml",))
    printed = '[{"dst": "default", "gateway": "192.0.2.254", "dev": "eth0"}, {"dst": "default", "dev": "tun0"}]'
    routes = read_default_routes(lambda command: (0, printed if "-4" in command else ""))
    assert [(route["gateway"], route["files"]) for route in routes] == [("192.0.2.254", [str(old)]), ("", [])]
