# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's network as it is, compared with the table. Reading only; the comparison is pure."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._guest_probe import parse_interfaces

DEFAULT_MTU = 1500
Run = Callable[[list[str]], tuple[int, str]]


def network_state(run: Run) -> dict[str, Any]:
    """``{interfaces, gateways, renderer, files, resolved, resolvers, search}``.

    ``gateways`` by interface; ``renderer`` is netplan, networkd, ifupdown or unknown; ``files`` are networkd's file per
    interface; ``resolvers`` and ``search`` are what the system asks, whether or not resolved (``resolved``) is in between.
    """
    routes = [json.loads(run(["ip", "-json", family, "route", "show", "default"])[1] or "[]") for family in ("-4", "-6")]
    files = {
        name: found.group(1)
        for name in os.listdir("/sys/class/net")
        if (found := re.search(r"Network File: (/\S+)", run(["networkctl", "status", "--no-pager", name])[1]))
    }
    upstream = "/run/systemd/resolve/resolv.conf"
    resolvers, search = parse_resolv_conf(_read(upstream if os.path.exists(upstream) else "/etc/resolv.conf"))
    return {
        "interfaces": parse_interfaces(run(["ip", "-json", "address", "show"])[1]),
        "gateways": parse_gateways([route for family in routes for route in family]),
        "renderer": _renderer(files),
        "files": files,
        "resolved": os.path.exists(upstream),
        "resolvers": resolvers,
        "search": search,
    }


def _renderer(files: Mapping[str, str]) -> str:
    if glob.glob("/etc/netplan/*.yaml"):
        return "netplan"
    if files:
        return "networkd"
    if re.search(r"^\s*(iface|source)\s", _read("/etc/network/interfaces"), re.M):
        return "ifupdown"
    return "unknown"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


def parse_gateways(routes: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """``{interface: [gateway]}`` from ``ip -json route show default``."""
    found: dict[str, list[str]] = {}
    for route in routes:
        if route.get("gateway") and route.get("dev"):
            found.setdefault(route["dev"], []).append(route["gateway"])
    return found


def parse_resolv_conf(text: str) -> tuple[list[str], list[str]]:
    """(name servers, search domains) of a resolv.conf; the last search line counts."""
    servers, search = [], []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["nameserver"] and len(words) > 1 and words[1] not in servers:
            servers.append(words[1])
        elif words[:1] in (["search"], ["domain"]):
            search = words[1:]
    return servers, search


def network_differences(wanted: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> dict[str, Any]:
    """``{mtu: {interface: bytes}, gateways: {interface: [address]}, problems: [text]}``: what to write, what to report.

    ``wanted`` are the table's interfaces with ``name``, ``mtu``, ``addresses``, ``gateway``, ``gateway6``. Missing
    interfaces and addresses are problems, as P1 gives them; a machine must not lose the address it is reached by.
    """
    mtu, gateways, problems = {}, {}, []
    for nic in wanted:
        name = nic["name"]
        interface = found["interfaces"].get(name)
        if interface is None:
            problems.append(f"interface {name} does not exist; there are {', '.join(sorted(found['interfaces']))}: run P1")
            continue
        fixed = [address for address in nic.get("addresses") or [] if address != "dhcp"]
        lost = [address for address in fixed if address not in interface["addresses"]]
        if lost:
            problems.append(f"{name} has not the address {', '.join(lost)} of the table: run P1, then reboot the machine")
        if interface["mtu"] != int(nic.get("mtu") or DEFAULT_MTU):
            mtu[name] = int(nic.get("mtu") or DEFAULT_MTU)
        routes = [str(nic[key]) for key in ("gateway", "gateway6") if nic.get(key)]
        lacking = [gateway for gateway in routes if gateway not in found["gateways"].get(name, [])]
        if lacking:
            gateways[name] = lacking
    return {"mtu": mtu, "gateways": gateways, "problems": problems}


def with_site_mtu(
    interfaces: Sequence[Mapping[str, Any]], networks: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The table's interfaces, each with the MTU of its network where it has none of its own."""
    by_bridge = {(network["bridge"], network.get("vlan_tag")): network.get("mtu") for network in networks.values()}
    return [
        {**nic, "mtu": nic.get("mtu") or by_bridge.get((nic.get("bridge"), nic.get("vlan_tag"))) or DEFAULT_MTU}
        for nic in interfaces
    ]


def netplan_config(
    interfaces: Sequence[Mapping[str, Any]], gateways: Mapping[str, Sequence[str]], known: Mapping[str, Any]
) -> dict[str, Any]:
    """netplan's data with the MTU of every interface, and the gateways that are missing.

    ``known`` is what an earlier run wrote: its routes stay, as they are in effect and so are not missing now.
    """
    before = (known.get("network") or {}).get("ethernets") or {}
    ethernets = {}
    for nic in interfaces:
        routes = list((before.get(nic["name"]) or {}).get("routes") or [])
        for gateway in gateways.get(nic["name"]) or []:
            route = {"to": "::/0" if ":" in gateway else "0.0.0.0/0", "via": gateway}
            routes += [route] if route not in routes else []
        ethernets[nic["name"]] = {"mtu": int(nic["mtu"]), **({"routes": routes} if routes else {})}
    return {"network": {"version": 2, "ethernets": ethernets}}
