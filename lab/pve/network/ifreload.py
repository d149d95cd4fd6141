#!/usr/bin/env python3
"""`ifreload -a`, for the bridges of a Proxmox host in the lab: what ifupdown2 is on a real one.

The lab puts this file into its Proxmox host as /usr/sbin/ifreload, so it stands alone. It makes the kernel's bridges
as /etc/network/interfaces says: new ones are made, changed ones changed, and what an earlier call made and the file has
no more is removed. Cards that the lab's host does not have (a bridge's `bridge-ports`) are left out, with a remark.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_MTU = 1500
OTHER_MTU = 1400


@dataclass
class Stanza:
    """One `iface` paragraph; `options` in the file's own words, `comments` the lines behind `#`."""

    name: str
    family: str
    method: str
    auto: bool = False
    options: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


def stanzas(text: str) -> list[Stanza]:
    """The `iface` paragraphs of an interfaces file, in their order."""
    found: list[Stanza] = []
    automatic: set[str] = set()
    for line in text.splitlines():
        words = line.split()
        if line.startswith("#"):
            if found:
                found[-1].comments.append(line[1:])
        elif words[:1] == ["auto"]:
            automatic.update(words[1:])
        elif words[:1] == ["iface"]:
            found.append(Stanza(*words[1:4]))
        elif words and line[0].isspace() and found:
            found[-1].options[words[0]] = " ".join(words[1:])
    for stanza in found:
        stanza.auto = stanza.name in automatic
    return found


def wanted_bridges(text: str) -> dict[str, dict[str, Any]]:
    """Bridges that come up by themselves: {name: {mtu, addresses (with prefix), ports}}."""
    bridges: dict[str, dict[str, Any]] = {}
    for stanza in stanzas(text):
        if stanza.auto and "bridge-ports" in stanza.options:
            ports = [port for port in stanza.options["bridge-ports"].split() if port != "none"]
            mtu = int(stanza.options.get("mtu", DEFAULT_MTU))
            bridges[stanza.name] = {"mtu": mtu, "addresses": [], "ports": ports}
        if stanza.name in bridges and "address" in stanza.options:
            bridges[stanza.name]["addresses"].append(stanza.options["address"])
    return bridges


def ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], check=False, text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f"error: ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def links() -> dict[str, dict[str, Any]]:
    return {link["ifname"]: link for link in json.loads(ip("-j", "-d", "address", "show") or "[]")}


def set_up(name: str, bridge: dict[str, Any], made: list[str]) -> None:
    """Make or change one bridge. `made`: addresses that an earlier call has given it."""
    present = links()
    if name not in present:
        ip("link", "add", name, "type", "bridge", "stp_state", "0", "forward_delay", "0")
        # A bridge follows its ports' smallest MTU until its own is changed, and setting the value it has is no change.
        ip("link", "set", name, "mtu", str(OTHER_MTU))
    if name not in present or present[name]["mtu"] != bridge["mtu"]:
        ports = [link for link, facts in present.items() if facts.get("master") == name]
        for link in (name, *ports):
            ip("link", "set", link, "mtu", str(bridge["mtu"]))
    ip("link", "set", name, "up")
    held = [f"{item['local']}/{item['prefixlen']}" for item in present.get(name, {}).get("addr_info", [])]
    for address in bridge["addresses"]:
        if address not in held:
            ip("address", "add", address, "dev", name)
    for address in made:
        if address in held and address not in bridge["addresses"]:
            ip("address", "delete", address, "dev", name)
    for port in bridge["ports"]:
        if port in present:
            ip("link", "set", port, "master", name)
        else:
            print(f"warning: {name}: {port} does not exist; left out", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="ifreload")
    parser.add_argument("-a", "--all", action="store_true", required=True)
    parser.add_argument("-i", "--interfaces", type=Path, default=Path("/etc/network/interfaces"))
    parser.add_argument("--state", type=Path, default=Path("/run/network/ifstate.json"), help="what was made before")
    options = parser.parse_args()
    options.state.parent.mkdir(parents=True, exist_ok=True)
    with options.state.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = json.loads(options.state.read_text()) if options.state.exists() else {}
        wanted = wanted_bridges(options.interfaces.read_text())
        for name in before:
            if name not in wanted and name in links():
                ip("link", "delete", name)
        for name, bridge in wanted.items():
            set_up(name, bridge, before.get(name, []))
        options.state.write_text(json.dumps({name: bridge["addresses"] for name, bridge in wanted.items()}))


if __name__ == "__main__":
    main()
