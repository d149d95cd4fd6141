# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bridges a Proxmox host needs for the site's networks. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any


def host_bridges(host: Mapping[str, Any], networks: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows for ``proxmox_network``.

    A host that lists its own ``bridges`` gets exactly these. Else there is one per bridge of the site's networks, with
    the network's MTU and, without a VLAN tag, the address that the host's ``addresses`` gives it there.
    """
    if host.get("bridges") is not None:
        return [dict(bridge) for bridge in host["bridges"]]
    rows: dict[str, dict[str, Any]] = {}
    for name, network in networks.items():
        bridge = network.get("bridge") or name
        row = rows.setdefault(bridge, {"name": bridge})
        if network.get("mtu"):
            # A bridge that carries several networks must take the largest packet of them.
            row["mtu"] = max(int(network["mtu"]), row.get("mtu", 0))
        if network.get("vlan_tag"):
            # Proxmox tags guests on a plain bridge as well; the host itself has no address in the VLAN.
            continue
        for address in _addresses(host, name):
            for key in ("cidr", "cidr6"):
                if network.get(key) and _inside(address, network[key]):
                    row[key] = f"{address}/{ipaddress.ip_network(network[key], strict=False).prefixlen}"
    return list(rows.values())


def _addresses(host: Mapping[str, Any], network: str) -> list[str]:
    found = [host.get("address"), (host.get("addresses") or {}).get(network)]
    return [str(address).split("/", maxsplit=1)[0] for address in found if address]


def _inside(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        # The host may be given by name; its bridge then keeps the address that it has.
        return False
