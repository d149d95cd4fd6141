# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a site: which bridge, VLAN, prefix, gateway and MTU an address has."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network
Range = tuple[Address, Address]

NETWORK_EXPECTED = "write a network such as 192.168.0.0/24, with no bits set behind the prefix"
ADDRESS_EXPECTED = "write an IPv4 or IPv6 address"
RANGE_EXPECTED = "write a range such as 192.168.0.200-192.168.0.220, or a network"
DEFAULT_MTU = 1500


@dataclass
class Network:
    """One network of the site data. ``prefixes`` holds the IPv4 prefix first, then the IPv6 one, as far as given."""

    name: str
    bridge: str
    vlan_tag: int | None = None
    prefixes: list[Prefix] = field(default_factory=list)
    gateways: list[Address] = field(default_factory=list)
    mtu: int = DEFAULT_MTU
    dhcp_ranges: list[Range] = field(default_factory=list)

    def prefix_of(self, address: Address) -> Prefix | None:
        return next((prefix for prefix in self.prefixes if address in prefix), None)

    def gateway(self, version: int) -> Address | None:
        return next((gateway for gateway in self.gateways if gateway.version == version), None)


def parse_address(text: Any) -> Address | None:
    """An address without a prefix; None if it is none."""
    try:
        return ipaddress.ip_address(text) if isinstance(text, str) else None
    except ValueError:
        return None


def parse_network(text: Any) -> Prefix | None:
    """A network; None if it is none."""
    try:
        return ipaddress.ip_network(text) if isinstance(text, str) and "/" in text else None
    except ValueError:
        return None


def parse_range(text: Any) -> Range | None:
    """``192.168.0.200-192.168.0.220``, ``192.168.0.200-220``, a network or one address; None if it is none."""
    if not isinstance(text, str):
        return None
    network = parse_network(text)
    if network is not None:
        return network[0], network[-1]
    first, dash, last = (part.strip() for part in text.partition("-"))
    start = parse_address(first)
    if start is None:
        return None
    if not dash:
        return start, start
    if last.isdigit() and start.version == 4:
        last = f"{first.rpartition('.')[0]}.{last}"
    end = parse_address(last)
    if end is None or end.version != start.version or end < start:  # type: ignore[operator]
        return None
    return start, end


def in_range(address: Address, span: Range) -> bool:
    return address.version == span[0].version and span[0] <= address <= span[1]  # type: ignore[operator]


def show_range(span: Range) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"


def build_networks(data: dict[str, Any], place: Place, problems: Problems) -> dict[str, Network]:
    """The networks of the site data by name. Wrong values are added to ``problems`` and left out."""
    networks = {}
    for name, entry in data.items():
        networks[name] = _build(name, entry, place, f"networks.{name}", problems)
    names = list(networks)
    for position, name in enumerate(names):
        for other in names[position + 1 :]:
            _compare(networks[name], networks[other], place, problems)
    return networks


def _build(name: str, entry: dict[str, Any], place: Place, column: str, problems: Problems) -> Network:
    network = Network(name, entry.get("bridge") or name, entry.get("vlan_tag"), mtu=entry.get("mtu") or DEFAULT_MTU)
    for key in ("cidr", "cidr6"):
        if entry.get(key) is not None:
            prefix = parse_network(entry[key])
            if prefix is None or prefix.version != (4 if key == "cidr" else 6) and "cidr" in entry and key == "cidr6":
                problems.add(place.at(f"{column}.{key}"), entry[key], "is not a network", NETWORK_EXPECTED)
            else:
                network.prefixes.append(prefix)
    for key in ("gateway", "gateway6"):
        if entry.get(key) is not None:
            at = place.at(f"{column}.{key}")
            gateway = parse_address(entry[key])
            if gateway is None:
                problems.add(at, entry[key], "is not an address", ADDRESS_EXPECTED)
            elif network.prefixes and network.prefix_of(gateway) is None and not gateway.is_link_local:
                shown = " and ".join(map(str, network.prefixes))
                problems.add(at, entry[key], "is outside its network", f"write an address of {shown}")
            else:
                network.gateways.append(gateway)
    for number, text in enumerate(entry.get("dhcp_ranges") or []):
        at = place.at(f"{column}.dhcp_ranges[{number}]")
        span = parse_range(text)
        if span is None:
            problems.add(at, text, "is not a range of addresses", RANGE_EXPECTED)
        elif network.prefixes and (network.prefix_of(span[0]) is None or network.prefix_of(span[1]) is None):
            shown = " and ".join(map(str, network.prefixes))
            problems.add(at, text, "is outside its network", f"write a range of {shown}")
        else:
            network.dhcp_ranges.append(span)
    return network


def _compare(one: Network, two: Network, place: Place, problems: Problems) -> None:
    at = place.at(f"networks.{two.name}")
    for prefix in one.prefixes:
        for other in two.prefixes:
            if prefix.version == other.version and prefix.overlaps(other):  # type: ignore[arg-type]
                problems.add(at, str(other), f"overlaps {prefix} of {one.name}", "give each network its own prefix")
    if (one.bridge, one.vlan_tag) == (two.bridge, two.vlan_tag):
        tag = "" if one.vlan_tag is None else f" with VLAN {one.vlan_tag}"
        problems.add(at, None, f"is the same wire as {one.name} (bridge {one.bridge}{tag})", "give it its own VLAN")
