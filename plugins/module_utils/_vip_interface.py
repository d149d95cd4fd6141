# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a node that a virtual address belongs on, found by the networks of its addresses. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


class _Seen(NamedTuple):
    interface: str
    address: Address
    prefix: int

    @property
    def network(self) -> Network:
        return ipaddress.ip_network(f"{self.address}/{self.prefix}", strict=False)

    @property
    def single(self) -> bool:
        return self.prefix == self.address.max_prefixlen


def find_interface(links: Iterable[dict[str, Any]], vips: Sequence[Address], networks: Sequence[Network]) -> str:
    """The name of the one interface that all of ``vips`` belong on.

    ``links`` is what ``ip -j addr`` prints. ``networks`` are those of the VIPs, if they are known: the interface has an
    address in each of them that is of a VIP's IP version. Else it is the one whose own network holds the VIP, the smallest
    such network if there are several. A VIP that the node holds at this moment says nothing. Raises InfraError naming the
    addresses that were seen.
    """
    seen = [item for item in _addresses(links) if item.address not in vips]
    versions = {vip.version for vip in vips}
    wanted = [network for network in networks if network.version in versions or not vips] or list(vips)
    found = {thing: _interfaces(seen, thing) for thing in wanted}
    for thing, names in found.items():
        if not names:
            where = "in" if thing in networks else "whose network holds"
            raise InfraError(
                f"No interface has an address {where} {thing}{_of(vips) if thing in networks else ''}. {_told(seen)} "
                "Correct the VIP or its network, give the node an address there, or set interface."
            )
        if len(names) > 1:
            raise InfraError(f"{thing} fits the interfaces {' and '.join(names)}. {_told(seen)} Set interface.")
    names = sorted({names[0] for names in found.values()})
    if len(names) > 1:
        pairs = ", ".join(f"{thing} on {names[0]}" for thing, names in found.items())
        raise InfraError(f"The VIPs belong on several interfaces: {pairs}. kube-vip holds them on one: set interface.")
    return names[0]


def _addresses(links: Iterable[dict[str, Any]]) -> list[_Seen]:
    found = []
    for link in links:
        if "LOOPBACK" in (link.get("flags") or []):
            continue
        for info in link.get("addr_info") or []:
            if info.get("local") and info.get("scope") != "link":
                address = ipaddress.ip_address(info["local"])
                found.append(_Seen(link["ifname"], address, info.get("prefixlen", address.max_prefixlen)))
    return found


def _interfaces(seen: list[_Seen], wanted: Address | Network) -> list[str]:
    """Names of interfaces that fit a VIP or its network."""
    if isinstance(wanted, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        inside = [item for item in seen if item.address in wanted]
        # Single addresses of the network may be other VIPs, such as those that kube-proxy keeps on an interface.
        fits = [item for item in inside if not item.single] or inside
    else:
        around = [item for item in seen if wanted in item.network]
        smallest = max((item.prefix for item in around), default=0)
        fits = [item for item in around if item.prefix == smallest]
    return sorted({item.interface for item in fits})


def _of(vips: Sequence[Address]) -> str:
    return f", the network of the VIP {', '.join(str(vip) for vip in vips)}" if vips else ""


def _told(seen: list[_Seen]) -> str:
    if not seen:
        return "The node has no address besides those of the loopback."
    return "The node has " + ", ".join(f"{item.interface} {item.address}/{item.prefix}" for item in seen) + "."
