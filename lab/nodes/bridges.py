"""The bridges of a lab: what is there, and how to make it as the Proxmox host's network says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lab.nodes.commands import run
from lab.pve.network import ifreload

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
    """Make one bridge, up, without spanning tree, whose MTU and hardware address are its own.

    A bridge follows the smallest MTU of its ports until its own is changed, and setting the value it has is no
    change to the kernel: hence the step over another value. It follows its ports' smallest address as well, until one
    is set, and guests would lose their gateway whenever one of them comes or goes.
    """
    _ip(namespace, "link", "add", name, "type", "bridge", "stp_state", "0", "forward_delay", "0")
    for value in (OTHER_MTU, mtu):
        _ip(namespace, "link", "set", name, "mtu", str(value))
    (link,) = json.loads(_ip(namespace, "-json", "link", "show", name))
    _ip(namespace, "link", "set", name, "address", link["address"])
    _ip(namespace, "link", "set", name, "up")


def reload(namespace: str, folder: Path, state: Path) -> None:
    """What `ifreload -a` does on a host, for one that has no system of its own: `folder` is its /etc/network."""
    program = [sys.executable, ifreload.__file__, "-a", "-i", folder / "interfaces", "--state", state]
    run("ip", "netns", "exec", namespace, *program)


def _ip(namespace: str, *words: str) -> str:
    return run("ip", "-n", namespace, *words)
