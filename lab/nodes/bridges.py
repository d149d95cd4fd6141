"""The bridges of the namespace we run in: what is there, and how to make it as the Proxmox host's network says."""

from __future__ import annotations

import json
from typing import Any

from lab.nodes.commands import run


def listing() -> list[dict[str, Any]]:
    """One dictionary per bridge: name, mtu, up, addresses (with prefix), ports."""
    links = json.loads(run("ip", "-j", "-d", "address", "show") or "[]")
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


def apply(interfaces: list[dict[str, Any]]) -> None:
    """Make the bridges as the interfaces file has them.

    An interface has Proxmox's keys: iface, type, mtu (default 1500), cidr, cidr6, autostart. Bridges that are not in
    the list are removed; their ports stay, unplugged, as after `ifreload`.
    """
    wanted = {item["iface"]: item for item in interfaces if item.get("type") == "bridge"}
    present = {bridge["name"]: bridge for bridge in listing()}
    for name in present.keys() - wanted.keys():
        run("ip", "link", "delete", name)
    for name, item in wanted.items():
        if name not in present:
            run("ip", "link", "add", name, "type", "bridge", "stp_state", "0", "forward_delay", "0")
        mtu = str(item.get("mtu") or 1500)
        run("ip", "link", "set", name, "mtu", mtu, "up")
        for port in present.get(name, {"ports": []})["ports"]:
            run("ip", "link", "set", port, "mtu", mtu)
        _addresses(name, present.get(name, {}).get("addresses", []), item)


def _addresses(name: str, present: list[str], item: dict[str, Any]) -> None:
    wanted = [item[key] for key in ("cidr", "cidr6") if item.get(key)]
    for address in wanted:
        if address not in present:
            run("ip", "address", "add", address, "dev", name)
    for address in present:
        if address not in wanted:
            run("ip", "address", "delete", address, "dev", name)
