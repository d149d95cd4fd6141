# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows about guests, made from the inventory's host variables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

GUEST_KEYS = (
    "vm_id", "kind", "pve_node", "template", "pool", "node_role", "cores", "sockets", "cpu_type", "memory_mb",
    "balloon_mb", "bios", "machine", "scsi_controller", "arch", "on_boot", "protection", "startup", "tags", "description",
    "agent", "serial", "vga", "full", "nameservers", "search_domains", "user", "ssh_keys", "timezone", "storage", "disks",
    "networks", "labels", "taints")  # fmt: skip
"""The host variables that describe a machine; all others are Ansible's or the site's own."""


def guest_rows(names: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per host name, in the shape that ``proxmox_vm_clone`` takes; values that are not given are left out."""
    rows = []
    for name in names:
        variables = hostvars[name]
        row = {"name": str(name)}
        row.update({key: variables[key] for key in GUEST_KEYS if key in variables and variables[key] is not None})
        rows.append(row)
    return rows


def known_hosts_entries(
    guests: Iterable[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], dns_records: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, list[str]]]:
    """Entries for ``known_hosts_file``: each guest's keys under its name, its fixed addresses and its DNS names.

    ``guests`` have ``name`` and ``host_keys``; one without keys gets no entry. ``rows`` are the inventory's.
    """
    networks = {row["name"]: row.get("networks") or [] for row in rows}
    entries = []
    for guest in guests:
        if not guest.get("host_keys"):
            continue
        name = str(guest["name"])
        addresses = [
            str(address).split("/", maxsplit=1)[0]
            for nic in networks.get(name, [])
            for address in nic.get("addresses") or []
            if "/" in str(address)
        ]
        in_zones = [str(record["name"]) for record in dns_records if str(record["name"]).split(".")[0] == name]
        names = list(dict.fromkeys([name, *addresses, *(str(item) for item in guest.get("addresses") or []), *in_zones]))
        entries.append({"names": names, "keys": list(guest["host_keys"])})
    return entries
