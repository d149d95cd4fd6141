# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows about guests, made from the inventory's host variables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

GUEST_KEYS = (
    "vm_id",
    "kind",
    "pve_node",
    "template",
    "pool",
    "node_role",
    "cores",
    "sockets",
    "cpu_type",
    "memory_mb",
    "balloon_mb",
    "bios",
    "machine",
    "scsi_controller",
    "arch",
    "on_boot",
    "protection",
    "startup",
    "tags",
    "description",
    "agent",
    "serial",
    "vga",
    "vendor_snippet",
    "full",
    "nameservers",
    "search_domains",
    "user",
    "ssh_keys",
    "storage",
    "disks",
    "networks",
    "labels",
    "taints",
)
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
    guests: Iterable[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    dns_records: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, list[str]]]:
    """Entries for ``known_hosts_file``: each guest's keys under its name, its fixed addresses and its DNS names.

    ``guests`` have ``name`` and ``host_keys``; one without keys gets no entry. ``rows`` are the inventory's.
    """
    known = {str(row["name"]): row for row in rows}
    entries = []
    for guest in guests:
        if not guest.get("host_keys"):
            continue
        name = str(guest["name"])
        names = _pinned_names(known.get(name, {"name": name}), guest.get("addresses") or [], dns_records)
        entries.append({"names": names, "keys": list(guest["host_keys"])})
    return entries


def pinned_names(rows: Iterable[Mapping[str, Any]], dns_records: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """Everything under which the host keys of these rows are pinned: names, fixed addresses and DNS names."""
    return list(dict.fromkeys(name for row in rows for name in _pinned_names(row, (), dns_records)))


def _pinned_names(row: Mapping[str, Any], told: Iterable[Any], dns_records: Sequence[Mapping[str, Any]]) -> list[str]:
    """``told`` are addresses that the guest has told itself."""
    name = str(row["name"])
    addresses = [
        str(address).split("/", maxsplit=1)[0]
        for nic in row.get("networks") or []
        for address in nic.get("addresses") or []
        if "/" in str(address)
    ]
    in_zones = [str(record["name"]) for record in dns_records if str(record["name"]).split(".", maxsplit=1)[0] == name]
    return list(dict.fromkeys([name, *addresses, *map(str, told), *in_zones]))


def template_ids(templates: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Name → id, or → map of node to id, of the site's templates.

    A guest that names a template is given its id: the API shows the name of a fresh template ten seconds late.
    """
    return {str(row["name"]): dict(row["nodes"]) if row.get("nodes") else int(row["vm_id"]) for row in templates}


def inspected_rows(
    rows: Iterable[Mapping[str, Any]], guests: Iterable[Mapping[str, Any]], hostvars: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The inventory's rows with what is known about each guest now.

    ``guests`` are those of ``proxmox_guest_info``. Added are ``state``, the node where the guest is, and what
    ``machine_checks`` left in its host variables: ``probe``, or ``reason`` why there is none.
    """
    known = {guest["name"]: guest for guest in guests}
    result = []
    for row in rows:
        guest = known.get(row["name"], {})
        state = guest.get("state") or "unknown"
        added: dict[str, Any] = {"state": state}
        if guest.get("node"):
            added["pve_node"] = guest["node"]
        answer = hostvars[row["name"]].get("machine_checks_probe") or {}
        if answer.get("probe"):
            added["probe"] = answer["probe"]
        else:
            added["reason"] = guest.get("problem") or _last_line(answer.get("msg")) or f"it is {state}"
        result.append({**row, **added})
    return result


def _last_line(text: Any) -> str:
    """The line that names the cause; the ones before it say what was tried."""
    lines = [line.strip() for line in str(text or "").splitlines() if line.strip()]
    return lines[-1] if lines else ""


def machine_summary(rows: Iterable[Mapping[str, Any]], waiting: Iterable[str] = ()) -> list[list[str]]:
    """Head and one row of text per machine: name, id, node, addresses, state. ``waiting`` names those that need a
    reboot."""
    names = set(waiting)
    table = [["name", "id", "node", "addresses", "state"]]
    for row in rows:
        addresses = [
            str(item).split("/", maxsplit=1)[0] for nic in row.get("networks") or [] for item in nic["addresses"]
        ]
        state = "planned, not inspected" if row.get("state") == "planned" else str(row.get("state"))
        if state == "running" and row["name"] in names:
            state = "running, reboot needed"
        table.append([str(row["name"]), str(row.get("vm_id")), str(row.get("pve_node")), ", ".join(addresses), state])
    return table


def planned_templates(results: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Templates that ``proxmox_vm_template`` was to make, from its results in a loop.

    How large an image is shows when it is imported; until then its disk counts as empty, so that growing it is planned.
    """
    return [
        {
            "name": result["template"]["name"],
            "vm_id": row["vm_id"],
            "node": row["node"],
            "config": {**row["config"], "scsi0": f"{row['config']['scsi0']},size=0"},
        }
        for result in results
        for row in (result.get("template") or {}).get("nodes") or []
        if row.get("operations")
    ]


def planned_steps(guests: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line per step of the guests that ``proxmox_vm_clone`` returned, such as ``node-1: start``."""
    return [f"{guest['name']}: {step['text']}" for guest in guests for step in guest.get("operations") or []]
