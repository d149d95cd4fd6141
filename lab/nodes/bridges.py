"""The bridges of a lab: what is there, and how to make it as the Proxmox host's network says."""

from __future__ import annotations

import json
from typing import Any

from lab.nodes import router
from lab.nodes.commands import run

DEFAULT_MTU = 1500
OTHER_MTU = 1400


def listing(namespace: str) -> list[dict[str, Any]]:
    """One dictionary per bridge: name, mtu, up, addresses (with prefix), ports."""
    links = json.loads(_ip(namespace, "-j", "-d", "address", "show") or "[]")
    found = []
    for link in links:
        if link.get("linkinfo", {}).get("info_kind") != "bridge":
            continue
        found.append(
            {
                "name": link["ifname"],
                "mtu": link["mtu"],
                "up": "UP" in link["flags"],
                "addresses": [
                    f"{item['local']}/{item['prefixlen']}" for item in link["addr_info"] if item["scope"] == "global"
                ],
                "ports": sorted(other["ifname"] for other in links if other.get("master") == link["ifname"]),
            }
        )
    return found


def make(namespace: str, name: str, mtu: int) -> None:
    """Make one bridge, up, without spanning tree, whose MTU is its own.

    A bridge follows the smallest MTU of its ports until its own is changed, and setting the value it has is no
    change to the kernel: hence the step over another value.
    """
    _ip(namespace, "link", "add", name, "type", "bridge", "stp_state", "0", "forward_delay", "0")
    for value in (OTHER_MTU, mtu):
        _ip(namespace, "link", "set", name, "mtu", str(value))
    _ip(namespace, "link", "set", name, "up")


def apply(namespace: str, interfaces: list[dict[str, Any]], gateways: dict[str, str]) -> None:
    """Make the bridges of one Proxmox host as its interfaces file has them.

    An interface has Proxmox's keys: iface, type, mtu (default 1500), cidr, cidr6. All hosts of a lab share its
    bridges, so bridges and addresses that this host does not name stay. `gateways`: the router's address by bridge.
    """
    present = {bridge["name"]: bridge for bridge in listing(namespace)}
    for item in interfaces:
        if item.get("type") == "bridge":
            _converge(namespace, item, present.get(item["iface"]))
            if item["iface"] in gateways:
                router.attach(namespace, item["iface"], _mtu(item), gateways[item["iface"]])


def _converge(namespace: str, item: dict[str, Any], present: dict[str, Any] | None) -> None:
    name, mtu = item["iface"], _mtu(item)
    if present is None:
        make(namespace, name, mtu)
    elif present["mtu"] != mtu:
        for link in (name, *present["ports"]):
            _ip(namespace, "link", "set", link, "mtu", str(mtu))
    for address in (item.get("cidr"), item.get("cidr6")):
        if address and (present is None or address not in present["addresses"]):
            _ip(namespace, "address", "add", address, "dev", name)


def _mtu(item: dict[str, Any]) -> int:
    return int(item.get("mtu") or DEFAULT_MTU)


def _ip(namespace: str, *words: str) -> str:
    return run("ip", "-n", namespace, *words)
