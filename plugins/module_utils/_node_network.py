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
from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import plain_name

DEFAULT_MTU = 1500
CONFIGURATION = (
    *(f"/{folder}/netplan/*.yaml" for folder in ("etc", "run", "lib")),
    "/etc/systemd/network/*.network",
    "/etc/systemd/network/*.network.d/*.conf",
    "/etc/network/interfaces",
    "/etc/network/interfaces.d/*",
    "/etc/network/if-up.d/detectviz",
)
"""Where a node's network is written: for netplan, systemd-networkd and ifupdown."""
OWN = (
    "/etc/netplan/90-detectviz.yaml",
    "/etc/systemd/network/*.network.d/90-detectviz.conf",
    "/etc/network/if-up.d/detectviz",
)
"""The files that the role node_network writes."""
Run = Callable[[list[str]], tuple[int, str]]


def network_state(run: Run) -> dict[str, Any]:
    """``{interfaces, gateways, own_gateways, renderer, files, resolved, resolvers, search}``.

    ``gateways`` by interface, and those of them that the role's own files name; ``renderer`` is netplan, networkd, ifupdown or
    unknown; ``files`` are networkd's file per interface; ``resolvers`` and ``search`` are what the system asks, whether or not
    resolved (``resolved``) is in between.
    """
    files = {
        name: found.group(1)
        for name in os.listdir("/sys/class/net")
        if (found := re.search(r"Network File: (/\S+)", run(["networkctl", "status", "--no-pager", name])[1]))
    }
    upstream = "/run/systemd/resolve/resolv.conf"
    resolvers, search = parse_resolv_conf(_read(upstream if os.path.exists(upstream) else "/etc/resolv.conf"))
    gateways = parse_gateways([*_default_routes(run, 4), *_default_routes(run, 6)])
    own = [_read(path) for pattern in OWN for path in glob.glob(pattern)]
    return {
        "interfaces": parse_interfaces(run(["ip", "-json", "address", "show"])[1]),
        "gateways": gateways,
        "own_gateways": {
            name: [gateway for gateway in known if any(names_gateway(text, gateway) for text in own)] for name, known in gateways.items()
        },
        "renderer": _renderer(files),
        "files": files,
        "resolved": os.path.exists(upstream),
        "resolvers": resolvers,
        "search": search,
    }


def _default_routes(run: Run, version: int) -> list[dict[str, Any]]:
    return list(json.loads(run(["ip", "-json", f"-{version}", "route", "show", "default"])[1] or "[]"))


def read_default_routes(run: Run) -> list[dict[str, Any]]:
    """Those of :func:`parse_default_routes`, each with the ``files`` of the network's configuration that name its gateway."""
    texts = {path: _read(path) for pattern in CONFIGURATION for path in sorted(glob.glob(pattern))}
    return [
        {**route, "files": [path for path, text in texts.items() if names_gateway(text, route["gateway"])]}
        for version in (4, 6)
        for route in parse_default_routes(_default_routes(run, version), version)
    ]


def parse_default_routes(routes: Sequence[Mapping[str, Any]], version: int) -> list[dict[str, Any]]:
    """``[{version, interface, gateway, metric, announced}]`` from ``ip -json route show default``.

    A route straight into an interface has an empty gateway. ``announced``: a router told it (IPv6), so nothing on the node did.
    """
    return [
        {
            "version": version,
            "interface": hop.get("dev") or "",
            "gateway": hop.get("gateway") or (hop.get("via") or {}).get("host") or "",
            "metric": int(route.get("metric") or 0),
            "announced": route.get("protocol") == "ra",
        }
        for route in routes
        # An unreachable default is no way out.
        if route.get("type", "unicast") == "unicast"
        for hop in route.get("nexthops") or [route]
    ]


def names_gateway(text: str, gateway: str) -> bool:
    """Whether a file of netplan, networkd or ifupdown names this gateway, and not only its address somewhere else."""
    key = r"""\b(?:gateway[46]?|via)["']?\s*[:=\s]\s*["']?"""
    return bool(gateway) and bool(re.search(rf"(?im)^(?!\s*#).*?{key}{re.escape(gateway)}(?![\w.:/])", text))


def superfluous_routes(wanted: Sequence[Mapping[str, Any]], routes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The default routes that the table's interfaces (``wanted``) do not have, each with ``taken``: whether the kernel may take it.

    One that DHCP gives where the table wants DHCP, and one that a router announces, is nobody's mistake.
    """
    gateways = gateways_of(wanted)
    dynamic = {nic["name"] for nic in wanted if "dhcp" in (nic.get("addresses") or [])}
    good = [
        route
        for route in routes
        if route["announced"] or route["interface"] in dynamic or (route["interface"], route["gateway"]) in gateways
    ]
    # The kernel takes the least metric; of equal ones it may take any.
    return [
        {**route, "taken": all(other["metric"] >= route["metric"] for other in good if other["version"] == route["version"])}
        for route in routes
        if route not in good
    ]


def gateways_of(wanted: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(interface, gateway) of the table."""
    return [(nic["name"], plain_name(nic[key])) for nic in wanted for key in ("gateway", "gateway6") if nic.get(key)]


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
    """``{mtu: {interface: bytes}, gateways: {interface: [address]}, stale: {interface: [address]}, problems: [text]}``.

    What to write, and what to report. ``stale``: gateways that an earlier run wrote, and the table has no more.

    ``wanted`` are the table's interfaces with ``name``, ``mtu``, ``addresses``, ``gateway``, ``gateway6``. Missing
    interfaces and addresses are problems, as P1 gives them; a machine must not lose the address it is reached by.
    """
    mtu, gateways, stale, problems = {}, {}, {}, []
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
        wanted_ones = [gateway for _name, gateway in gateways_of([nic])]
        lacking = [gateway for gateway in wanted_ones if gateway not in found["gateways"].get(name, [])]
        if lacking:
            gateways[name] = lacking
        old = [gateway for gateway in found["own_gateways"].get(name, []) if gateway not in wanted_ones]
        if old:
            stale[name] = old
    return {"mtu": mtu, "gateways": gateways, "stale": stale, "problems": problems}


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

    ``known`` is what an earlier run wrote: its routes stay, as they are in effect and so are not missing now, but for those by a
    gateway that the table has no more.
    """
    before = (known.get("network") or {}).get("ethernets") or {}
    ethernets = {}
    for nic in interfaces:
        kept = (before.get(nic["name"]) or {}).get("routes") or []
        routes = [route for route in kept if (nic["name"], route["via"]) in gateways_of([nic])]
        for gateway in gateways.get(nic["name"]) or []:
            route = {"to": "::/0" if ":" in gateway else "0.0.0.0/0", "via": gateway}
            routes += [route] if route not in routes else []
        ethernets[nic["name"]] = {"mtu": int(nic["mtu"]), **({"routes": routes} if routes else {})}
    return {"network": {"version": 2, "ethernets": ethernets}}
