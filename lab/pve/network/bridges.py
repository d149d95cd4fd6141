"""Bridges of a node, as guests and permissions see them: the configuration in force, not the pending one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.pve.network.configuration import record

if TYPE_CHECKING:
    from lab.pve.registry import Call
    from lab.pve.world import World

BRIDGES = ("bridge", "OVSBridge")


def mtu(world: World, node: str, bridge: str) -> int | None:
    """The MTU of a bridge that is there; None when it is not."""
    entry = record(world, node)["interfaces"].get(bridge)
    if entry is None or entry["type"] not in BRIDGES:
        return None
    return int(entry.get("mtu", 1500))


def path(bridge: str, tag: str | int | None = None) -> str:
    """The ACL path of a plain bridge, with a VLAN when tagged."""
    return f"/sdn/zones/localnetwork/{bridge}" + (f"/{tag}" if tag else "")


def visible(call: Call, bridge: str) -> bool:
    """Bridges are hidden, without a word, from who may neither see nor use them."""
    return call.can(path(bridge), "SDN.Audit", "SDN.Use", any=True)


def check_use(call: Call, net: dict[str, str]) -> None:
    """403 unless the caller may put a guest on the bridge (and VLAN) of a network device."""
    if net.get("bridge"):
        call.require(path(net["bridge"], net.get("tag")), "SDN.Use")
