# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kube-proxy and Calico leave in a node's kernel when they end: rules, sets, tables, routes, interfaces.

Each is known by a name that only these two give. Everything else on the node is somebody else's and stays: tables are
never flushed, policies never set.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

CHAIN = re.compile(r"(KUBE-|cali-)\S+")
CALICO_COMMENT = "cali:"
"""Calico signs rules that it puts into the chains of others."""
SET = re.compile(r"(cali[46][0t]|KUBE-)\S+")
NFT_TABLES = {f"table {family} {name}" for family in ("ip", "ip6") for name in ("kube-proxy", "calico")}
LINK = re.compile(r"cali[0-9a-f]{11}|vxlan(-v6)?\.calico|wireguard\.cali|wg-v6\.cali|kube-ipvs0")
TUNNEL = "tunl0"
"""The kernel's own: Calico gives it an address and cannot make or remove it."""
ROUTE_PROTOCOLS = ("80", "bird")
IPTABLES = ("iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy")
"""Which of them kube-proxy has used is its image's to choose, so all are looked at."""
NOT_INSTALLED = 127
INTERFACES = Path("/sys/class/net")

Run = Callable[[list[str]], tuple[int, str]]


def rules_without(saved: str) -> str:
    """Input for ``iptables-restore --noflush`` that takes our rules out of what ``iptables-save`` printed; "" for none."""
    text = ""
    for table in re.split(r"^(?=\*)", saved, flags=re.MULTILINE):
        lines = table.splitlines()
        chains = [name for line in lines if line.startswith(":") and CHAIN.fullmatch(name := line[1:].split()[0])]
        # Named with a colon, a chain is emptied, so that none refers to another when they are removed.
        work = [f":{name} - [0:0]" for name in chains]
        work += [f"-D{line[2:]}" for line in lines if line.startswith("-A ") and _is_ours(shlex.split(line))]
        work += [f"-X {name}" for name in chains]
        if work:
            text += "\n".join([lines[0], *work, "COMMIT"]) + "\n"
    return text


def _is_ours(rule: Sequence[str]) -> bool:
    """Whether a rule stands in the chain of somebody else and is ours."""
    options = dict(zip(rule, rule[1:]))
    goes_to = options.get("-j") or options.get("-g") or ""
    ours = CHAIN.fullmatch(goes_to) or options.get("--comment", "").startswith(CALICO_COMMENT)
    return bool(ours) and not CHAIN.fullmatch(rule[1])


def routes_of_pods(routes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of what ``ip -json route show table main`` tells: Calico's and its BIRD's that end here or enter the tunnel.

    Those over Calico's own interfaces go with them.
    """
    return [
        route
        for route in routes
        if str(route.get("protocol")) in ROUTE_PROTOCOLS and (route.get("type") == "blackhole" or route.get("dev") == TUNNEL)
    ]


def clear(run: Run, scratch: Path) -> list[str]:
    """Removes all of it; what was there. ``scratch``: a folder in memory for root alone."""
    found = []
    for program in IPTABLES:
        # Legacy tables are only there where something has used them; to look does not make them.
        text = rules_without(_asked(run, [f"{program}-save"]))
        if text:
            path = scratch / f"{program}.rules"
            path.write_text(text, encoding="utf-8")
            _done(run, [f"{program}-restore", "--noflush", str(path)])
            path.unlink()
            found.append(f"{program}: {text.count(chr(10) + '-X ')} chains")
    for name in _kernels(run, ["ipset", "list", "-name"]).split():
        if SET.fullmatch(name):
            _done(run, ["ipset", "destroy", name])
            found.append(f"set {name}")
    for line in _kernels(run, ["nft", "list", "tables"]).splitlines():
        if line.strip() in NFT_TABLES:
            _done(run, ["nft", "delete", *line.split()])
            found.append(line.strip())
    for link in _listed(run, ["ip", "-json", "address", "show"]):
        name = link["ifname"]
        if LINK.fullmatch(name):
            code, text = run(["ip", "link", "delete", name])
            # That of a pod which has just ended goes by itself.
            if code != 0 and (INTERFACES / name).exists():
                raise InfraError(f"the interface {name} could not be removed: {text.strip()}")
            found.append(f"interface {name}")
        elif name == TUNNEL:
            for address in link.get("addr_info") or []:
                _done(run, ["ip", "address", "delete", f"{address['local']}/{address['prefixlen']}", "dev", TUNNEL])
                found.append(f"address {address['local']} on {TUNNEL}")
    for family in ("-4", "-6"):
        for route in routes_of_pods(_listed(run, ["ip", "-json", family, "route", "show", "table", "main"])):
            kind = [route["type"]] if route.get("type") else []
            device = ["dev", route["dev"]] if route.get("dev") else []
            _done(run, ["ip", family, "route", "delete", *kind, route["dst"], *device, "proto", str(route["protocol"])])
            found.append(f"route to {route['dst']}")
    return found


def _kernels(run: Run, command: list[str]) -> str:
    """What a program prints; nothing where the kernel has no such part, or nobody the program."""
    code, text = run(command)
    return text if code == 0 else ""


def _asked(run: Run, command: list[str]) -> str:
    """What a program prints; nothing where it is not installed."""
    code, text = run(command)
    if code == NOT_INSTALLED:
        return ""
    if code != 0:
        raise InfraError(f"{' '.join(command)} ended with code {code}: {text.strip()[-500:]}")
    return text


def _listed(run: Run, command: list[str]) -> list[dict[str, Any]]:
    # Of nothing, some versions print [{}].
    return [item for item in json.loads(_asked(run, command) or "[]") if item]


def _done(run: Run, command: list[str]) -> None:
    code, text = run(command)
    if code != 0:
        raise InfraError(f"{' '.join(command)} ended with code {code}: {text.strip()[-500:]}")
