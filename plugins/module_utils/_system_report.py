# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expected beside found for a node's operating system: swap, kernel modules, kernel parameters, default routes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._machine_report import MISS, OK, UNVERIFIED, Row
from ansible_collections.detectviz.infra.plugins.module_utils._node_kept import module_key, sysctl_problems
from ansible_collections.detectviz.infra.plugins.module_utils._node_network import gateways_of, superfluous_routes

Make = Callable[..., Row]


def compare_system(row: Make, system: Mapping[str, Any] | None) -> Iterator[Row]:
    """``system`` is of :func:`_node_probe.read_system`; None where it was not read."""
    if system is None:
        yield row("operating system", "as the roles make it", "it was not read", UNVERIFIED)
        return
    wanted = system["wanted"]
    yield _swap(row, system["swap"], wanted["swap_allowed"], system["container"])
    for name in wanted["modules"]:
        yield _module(row, name, system["modules"])
    for name, value in wanted["sysctls"].items():
        problems = sysctl_problems({name: value}, system["sysctls"]["live"], system["sysctls"]["kept"])
        yield row(f"sysctl {name}", value, "; ".join(problems) or value, MISS if problems else OK)
    # Of a node without interfaces in the table nothing is expected.
    if wanted["interfaces"]:
        yield _default_routes(row, wanted["interfaces"], system["default_routes"])


def _default_routes(row: Make, interfaces: Sequence[Mapping[str, Any]], routes: Sequence[Mapping[str, Any]]) -> Row:
    gateways = gateways_of(interfaces)
    present = [(route["interface"], route["gateway"]) for route in routes]
    expected = ", ".join(_way(*gateway) for gateway in gateways)
    expected = expected or "none but by DHCP or from a router"
    found = [_way(*gateway) for gateway in dict.fromkeys(present)]
    others = superfluous_routes(interfaces, routes)
    told = "; ".join([", ".join(found) or "none", *map(_superfluous, others)])
    if any(gateway not in present for gateway in gateways) or any(route["taken"] for route in others):
        return row("default routes", expected, told, MISS)
    return row("default routes", expected, told, UNVERIFIED if others else OK)


def _way(interface: str, gateway: str) -> str:
    return f"{gateway or 'no gateway'} ({interface})"


def _superfluous(route: Mapping[str, Any]) -> str:
    where = f"out of {', '.join(route['files'])}" if route["files"] else "away where it is set, which no file of the network tells"
    use = "" if route["taken"] else f", with metric {route['metric']} behind the table's,"
    return f"that by {_way(route['interface'], route['gateway'])}{use} is not in the table: take it {where}, or write it there"


def _swap(row: Make, swap: Mapping[str, Any], allowed: bool, container: bool) -> Row:
    used = ", ".join(item["device"] for item in swap["active"]) or "none"
    if allowed:
        return row("swap", "may stay", used, OK)
    if container:
        return row("swap", "none", f"a container sees its host's: {used}", UNVERIFIED)
    if swap["active"]:
        return row("swap", "none", used)
    at_boot = [*(f"/etc/fstab: {line}" for line in swap["fstab"]), *swap["units"], *swap["services"]]
    return row("swap", "none", f"made again at boot by {'; '.join(at_boot)}" if at_boot else "none")


def _module(row: Make, name: str, modules: Mapping[str, Any]) -> Row:
    check, expected = f"kernel module {name}", "loaded, now and at boot"
    problems = [
        *([] if modules["loaded"][name] else ["not loaded"]),
        *([] if module_key(name) in modules["kept"] else ["no file in modules-load.d names it"]),
    ]
    if problems:
        return row(check, expected, ", ".join(problems))
    if not modules["loadable"]:
        return row(check, expected, "its function is there, and this machine cannot load modules", UNVERIFIED)
    return row(check, expected, expected)
