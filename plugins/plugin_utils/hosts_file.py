# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a hosts file from the node table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CLUSTER_ALIAS = "{name}-cluster"


def hosts_lines(
    machines: Sequence[Mapping[str, Any]],
    dns_records: Sequence[Mapping[str, Any]],
    vip: Mapping[str, Any],
    node_addresses: Mapping[str, str],
) -> list[str]:
    """One line per fixed address of a machine, and one for the API, each with its names.

    The names in the zones come first, as the first name of a line is the canonical one. The short name stands for the
    address that the machine is reached by, and ``NAME-cluster`` for that on the cluster's network where it is another.
    """
    lines: dict[str, list[str]] = {}
    for row in machines:
        fixed = [
            address.partition("/")[0]
            for nic in row.get("networks") or []
            for address in nic.get("addresses") or []
            if address != "dhcp"
        ]
        for number, address in enumerate(fixed):
            names = [
                record["name"]
                for record in dns_records
                if record["value"] == address and record["name"].partition(".")[0] == row["name"]
            ]
            if number == 0:
                names.append(row["name"])
            elif address == node_addresses.get(row["name"]):
                names.append(CLUSTER_ALIAS.format(name=row["name"]))
            lines.setdefault(address, []).extend(names)
    if vip.get("address"):
        name = vip["name"]
        zoned = [r["name"] for r in dns_records if r["value"] == vip["address"] and r["name"].startswith(f"{name}.")]
        lines.setdefault(vip["address"], []).extend([*zoned, name, name.partition(".")[0]])
    return [" ".join([address, *dict.fromkeys(names)]) for address, names in lines.items() if names]
