# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a VIP: found by networks, and what is told if none or several fit."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._vip_interface import find_interface
from hypothesis import given
from hypothesis import strategies as st


def link(name: str, *addresses: str, scope: str = "global", flags: tuple[str, ...] = ("UP",)) -> dict[str, Any]:
    interfaces = [ipaddress.ip_interface(address) for address in addresses]
    info = [
        {"family": f"inet{'6' if item.version == 6 else ''}", "local": str(item.ip), "prefixlen": item.network.prefixlen, "scope": scope}
        for item in interfaces
    ]  # fmt: skip
    return {"ifname": name, "flags": list(flags), "addr_info": info}


LO = link("lo", "127.0.0.1/8", "::1/128", scope="host", flags=("LOOPBACK", "UP"))
NODE = [LO, link("ens18", "192.168.0.11/24"), link("ens19", "10.0.0.11/24"), link("down0")]


def found(links: list[dict[str, Any]], vips: str, networks: str = "") -> str:
    return find_interface(
        links,
        [ipaddress.ip_address(vip) for vip in vips.split(",") if vip],
        [ipaddress.ip_network(network) for network in networks.split(",") if network],
    )


def test_by_the_network_of_the_vip() -> None:
    """F5: whatever the interface is called on this node."""
    assert found(NODE, "192.168.0.10", "192.168.0.0/24") == "ens18"
    assert found(NODE, "", "10.0.0.0/24") == "ens19"


def test_by_the_nodes_own_network() -> None:
    assert found(NODE, "10.0.0.10") == "ens19"


def test_the_vip_itself_says_nothing() -> None:
    holder = [LO, link("eth0", "192.168.0.11/24"), link("kube-ipvs0", "192.168.0.10/32", "192.168.0.200/32")]
    assert found(holder, "192.168.0.10", "192.168.0.0/24") == "eth0"
    assert found(holder, "192.168.0.10") == "eth0"


def test_the_smallest_network_wins_as_it_does_for_routes() -> None:
    assert found([link("wide", "10.0.0.1/8"), link("near", "10.1.0.1/16")], "10.1.0.10") == "near"


def test_none_fits_and_the_addresses_are_named() -> None:
    with pytest.raises(InfraError) as caught:
        found(NODE, "172.16.0.10", "172.16.0.0/24")
    for word in ("172.16.0.0/24", "172.16.0.10", "ens18 192.168.0.11/24", "ens19 10.0.0.11/24", "set interface"):
        assert word in str(caught.value)
    with pytest.raises(InfraError, match="no address besides"):
        found([LO], "172.16.0.10")


def test_several_fit() -> None:
    with pytest.raises(InfraError, match="eth0 and eth1"):
        found([link("eth0", "10.0.0.1/24"), link("eth1", "10.0.0.2/24")], "10.0.0.10")


def test_networks_of_another_ip_version_are_passed_over() -> None:
    """A master need not have an address in them."""
    networks = "192.0.2.0/24,2001:db8::/64"
    assert found([link("eth0", "192.0.2.11/24")], "192.0.2.10", networks) == "eth0"
    assert found([link("eth1", "2001:db8::11/64")], "2001:db8::10", networks) == "eth1"
    with pytest.raises(InfraError, match="2001:db8::/64"):
        found([link("eth0", "192.0.2.11/24")], "192.0.2.10,2001:db8::10", networks)


def test_two_families_on_one_interface() -> None:
    both = [link("eth0", "192.0.2.11/24", "2001:db8::11/64"), link("eth1", "198.51.100.1/24")]
    assert found(both, "192.0.2.10,2001:db8::10") == "eth0"
    with pytest.raises(InfraError, match="several interfaces"):
        found(both, "198.51.100.10,2001:db8::10")


def test_link_local_addresses_say_nothing() -> None:
    with pytest.raises(InfraError):
        found([link("eth0", "fe80::1/64", scope="link")], "fe80::10")


@given(st.lists(st.integers(0, 250), min_size=1, max_size=6, unique=True), st.data())
def test_each_network_has_its_interface(numbers: list[int], data: st.DataObject) -> None:
    links = [LO, *(link(f"nic{number}", f"10.{number}.0.{data.draw(st.integers(1, 200))}/24") for number in numbers)]
    wanted = data.draw(st.sampled_from(numbers))
    assert found(data.draw(st.permutations(links)), f"10.{wanted}.0.250") == f"nic{wanted}"
