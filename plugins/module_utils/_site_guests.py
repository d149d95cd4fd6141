# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site owns on Proxmox: the guests of its table, and those whose row is gone; and which of them are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _vm_ownership as marks
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed
from ansible_collections.detectviz.infra.plugins.module_utils._vm_reader import GuestReader

SITE, FOREIGN, NOBODY, UNREAD = "site", "foreign", "nobody", "unknown"


def site_guests(reader: GuestReader, site: str, table: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the table, then guests of the site that have no row.

    ``table`` rows have ``name`` and ``vm_id``. Returned are ``name``, ``vm_id``, ``node``, ``state``, ``owner``
    (``site``, ``foreign``, ``nobody`` where the id is not in the list, or ``unknown`` where the guest cannot be read, as on
    a node that is down), ``in_table`` and ``reason`` (why a guest is foreign, or cannot be read). One request for all, and
    one for each guest that has a row's id or the site's tag. A clone that an interrupted run has not marked yet is found by
    its row only. Raises InfraError.
    """
    wanted = {int(row["vm_id"]): str(row["name"]) for row in table}
    tag = marks.site_tag(site)
    rows = {row.vm_id: row for row in reader.rows()}
    read, problems = reader.read_each([row for row in rows.values() if row.vm_id in wanted or tag in row.tags])
    listed = [_told(site, name, vm_id, read.get(vm_id), True, problems.get(vm_id)) for vm_id, name in wanted.items()]
    orphans = [
        _told(site, guest.name or str(vm_id), vm_id, guest, False, problems.get(vm_id))
        for vm_id, guest in sorted(read.items())
        if vm_id not in wanted
    ]
    return listed + [guest for guest in orphans if guest["owner"] in (SITE, UNREAD)]


def _told(
    site: str, name: str, vm_id: int, guest: Observed | None, in_table: bool, problem: str | None
) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "vm_id": vm_id, "node": None, "state": "planned", "owner": NOBODY,
                            "in_table": in_table, "reason": ""}  # fmt: skip
    if guest is None:
        return told
    told.update(node=guest.node, state=guest.status, owner=FOREIGN)
    if problem is not None:
        told.update(owner=UNREAD, reason=f"it cannot be read: {problem}")
        return told
    if guest.kind != "qemu" or guest.template:
        told["reason"] = "it is a template" if guest.template else "it is a container"
        return told
    description = (guest.config or {}).get("description")
    if marks.ownership(site, vm_id, guest.tags, description) is marks.Ownership.FOREIGN:
        told["reason"] = f"it is {guest.name or 'without a name'}: " + marks.explain_foreign(
            site, vm_id, guest.tags, description
        )
    else:
        told["owner"] = SITE
    return told


def chosen_guests(guests: Iterable[Mapping[str, Any]], named: str | int | Iterable[Any]) -> dict[str, list[Any]]:
    """``{"chosen": rows for proxmox_vm_clone, "refused": texts}``.

    ``guests`` are those of ``site_guests``. ``named`` is ``all`` (every row of the table), a list of names and ids, one
    id, or a text of one or more of them with commas between. A guest without a row is chosen only when it is named; by its id
    alone where a row has its name. A name that is nobody we know, a foreign guest and one that cannot be read are refused;
    a guest that is not there is neither.
    """
    guests = list(guests)
    if named == "all":
        return {
            "chosen": [_row(guest) for guest in guests if guest["owner"] == SITE and guest["in_table"]],
            "refused": [_unread(guest) for guest in guests if guest["owner"] == UNREAD and guest["in_table"]],
        }
    by_key: dict[str, Mapping[str, Any]] = {}
    for guest in sorted(guests, key=lambda guest: bool(guest["in_table"])):
        by_key[str(guest["name"])] = guest
    by_key.update({str(guest["vm_id"]): guest for guest in guests})
    chosen: dict[int, dict[str, Any]] = {}
    refused = []
    named = str(named) if isinstance(named, int) else named
    keys = [key.strip() for key in named.split(",") if key.strip()] if isinstance(named, str) else named
    for key in map(str, keys):
        guest = by_key.get(key)
        if guest is None:
            refused.append(f"{key} is no guest of the site")
        elif guest["owner"] == FOREIGN:
            refused.append(f"{key} is foreign: {guest['reason']}")
        elif guest["owner"] == UNREAD:
            refused.append(_unread(guest))
        elif guest["owner"] == SITE:
            chosen[guest["vm_id"]] = _row(guest)
    return {"chosen": list(chosen.values()), "refused": refused}


def _unread(guest: Mapping[str, Any]) -> str:
    return f"whose {guest['name']} ({guest['vm_id']}) is, is not known, as {guest['reason']}; name only the others, or wait for its node"


def _row(guest: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": guest["name"], "vm_id": guest["vm_id"], "pve_node": guest["node"]}
