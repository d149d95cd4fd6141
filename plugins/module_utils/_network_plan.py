# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges of a Proxmox node: wanted and present → operations. Pure.

Proxmox keeps changes as a pending file until they are applied, and an update replaces every option of an interface; so
an update is the present options with the wanted ones laid over them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OPTIONS = (
    "cidr",
    "gateway",
    "cidr6",
    "gateway6",
    "bridge_ports",
    "bridge_vlan_aware",
    "bridge_vids",
    "mtu",
    "autostart",
    "comments",
    "comments6",
)
"""Options of a bridge that the API takes back; the rest of what it lists is derived."""

ALL_VLANS = "2-4094"
BOOLEANS = ("bridge_vlan_aware", "autostart")


@dataclass(frozen=True)
class NetworkOperation:
    """One write; ``parameters`` are what the API gets."""

    action: str
    iface: str
    parameters: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


def plan_bridges(
    node: str,
    wanted: Sequence[Mapping[str, Any]],
    present: Sequence[Mapping[str, Any]],
    management_address: str | None = None,
) -> tuple[list[NetworkOperation], list[str]]:
    """Operations for the bridges of one node, and problems. With problems, none of the operations may be taken.

    ``wanted`` rows have ``name`` and any of ``cidr``, ``cidr6``, ``ports`` (a list), ``mtu``, ``vlan_aware``,
    ``autostart``, ``comment``; what a row leaves out stays as it is. ``present`` is the answer of
    ``GET /nodes/{node}/network``.
    """
    by_name = {str(row["iface"]): row for row in present}
    operations, problems = [], []
    for bridge in wanted:
        name = str(bridge["name"])
        current = by_name.get(name)
        problems += _problems(node, bridge, current, by_name)
        before = _options(current) if current else {}
        after = before | _wanted_options(bridge, new=current is None)
        if before == after:
            continue
        if current and _carries_management(current, management_address):
            problems.append(
                f"bridge {name} on {node} carries the management address and differs from the site "
                f"({_difference(before, after)}): it is never changed over the connection that it carries. Change it "
                "at the console, or make the site say what it is"
            )
        parameters = {"iface": name, "type": "bridge"} | _wire(after)
        operations.append(NetworkOperation("update" if current else "create", name, parameters, before, after))
    return operations, problems


def _problems(
    node: str, bridge: Mapping[str, Any], current: Mapping[str, Any] | None, by_name: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    name = bridge["name"]
    problems = []
    if current and current.get("type") != "bridge":
        problems.append(f"{name} on {node} is a {current.get('type')}, not a bridge: choose another name")
    for port in bridge.get("ports") or []:
        if port not in by_name:
            known = sorted(iface for iface, row in by_name.items() if row.get("type") == "eth")
            problems.append(f"port {port} of {name} is not on {node}; there are: {', '.join(known) or 'none'}")
        for other, row in by_name.items():
            if other != name and port in _ports(row):
                problems.append(
                    f"port {port} of {name} on {node} already belongs to {other}: take it out of there first"
                )
    return problems


def _ports(row: Mapping[str, Any]) -> list[str]:
    return str(row.get("bridge_ports") or row.get("slaves") or "").split()


def _carries_management(row: Mapping[str, Any], management_address: str | None) -> bool:
    """The default gateway counts too: without it the host loses the way to most of its users."""
    if row.get("gateway") or row.get("gateway6"):
        return True
    if not management_address:
        return False
    own = [
        str(row.get(key)).split("/", maxsplit=1)[0] for key in ("address", "cidr", "address6", "cidr6") if row.get(key)
    ]
    try:
        return ipaddress.ip_address(management_address) in [ipaddress.ip_address(address) for address in own]
    except ValueError:
        return management_address in own


def _options(row: Mapping[str, Any]) -> dict[str, Any]:
    """The present options in one form: numbers as int, booleans as bool, ports sorted."""
    result: dict[str, Any] = {}
    for key in OPTIONS:
        value = row.get(key)
        if value in (None, ""):
            continue
        if key in BOOLEANS:
            if int(value):
                result[key] = True
        elif key == "mtu":
            result[key] = int(value)
        elif key == "bridge_vids" and str(value) == ALL_VLANS:
            # Proxmox writes it for every VLAN-aware bridge that says nothing about its VLANs.
            continue
        elif key == "bridge_ports":
            result[key] = " ".join(sorted(str(value).split()))
        else:
            result[key] = str(value).rstrip("\n")
    return result


def _wanted_options(bridge: Mapping[str, Any], new: bool) -> dict[str, Any]:
    values = {
        "cidr": bridge.get("cidr"),
        "cidr6": bridge.get("cidr6"),
        "bridge_ports": " ".join(sorted(bridge["ports"])) if bridge.get("ports") else None,
        "bridge_vlan_aware": bridge.get("vlan_aware"),
        "mtu": int(bridge["mtu"]) if bridge.get("mtu") else None,
        "autostart": True if new and bridge.get("autostart") is None else bridge.get("autostart"),
        "comments": bridge.get("comment"),
    }
    return {key: value for key, value in values.items() if value not in (None, False, "")}


def _wire(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: int(value) if isinstance(value, bool) else value for key, value in options.items()}


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    changed = [key for key in after if before.get(key) != after[key]]
    return ", ".join(f"{key}: {before.get(key, 'unset')} → {after[key]}" for key in changed)


def unmet(operations: Sequence[NetworkOperation], present: Sequence[Mapping[str, Any]]) -> list[str]:
    """What an applied network still lacks, told from a second read; empty when all is as it was wanted."""
    by_name = {str(row["iface"]): row for row in present}
    problems = []
    for operation in operations:
        row = by_name.get(operation.iface)
        if row is None:
            problems.append(f"{operation.iface} is not there")
        elif _options(row) != operation.after:
            problems.append(f"{operation.iface} is {_options(row)}, not {operation.after}")
        elif not int(row.get("active") or 0):
            problems.append(f"{operation.iface} is not active")
    return problems
