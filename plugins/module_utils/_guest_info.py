# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where guests are, whether they run, and their SSH host keys as the guest agent reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._host_keys import read_host_keys
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError


def read_guests(
    client: ProxmoxClient, guests: Iterable[Mapping[str, Any]], keys_of: Collection[str] = ()
) -> list[dict[str, Any]]:
    """One list request for all guests; one more for each that the list does not know to be running or stopped, and one
    for each in ``keys_of`` that runs.

    ``guests`` have ``name`` and ``vm_id``. Returns per guest ``name``, ``vm_id``, ``node``, ``state`` (``running``,
    ``stopped``, ``planned`` when it is not there), ``host_keys`` and ``problem`` (why there are no keys, or None). Raises
    InfraError for a guest without a name or an id.
    """
    guests = list(guests)
    _check(guests)
    rows = {int(row["vmid"]): row for row in client.get("cluster/resources", type="vm") if row.get("vmid")}
    return [_read(client, guest, rows.get(int(guest["vm_id"])), guest["name"] in keys_of) for guest in guests]


def _check(guests: Iterable[Mapping[str, Any]]) -> None:
    for number, guest in enumerate(guests):
        if not guest.get("name"):
            raise InfraError(f"guests[{number}].name is missing; write the guest's name, as the node table has it")
        vm_id = str(guest.get("vm_id") or "")
        if not (vm_id.isascii() and vm_id.isdigit()):
            raise InfraError(f"guests[{number}].vm_id of {guest['name']} is no id; write the guest's id on Proxmox")


def _read(client: ProxmoxClient, guest: Mapping[str, Any], row: Mapping[str, Any] | None, keys: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": guest["name"],
        "vm_id": int(guest["vm_id"]),
        "node": None,
        "state": "planned",
        "host_keys": [],
        "problem": None,
    }
    if row is None:
        return result
    path = f"nodes/{row['node']}/{row['type']}/{guest['vm_id']}"
    result["node"] = row["node"]
    result["state"] = row.get("status")
    if result["state"] not in ("running", "stopped"):
        # The list learns the state of a fresh guest some ten seconds late.
        result["state"] = client.get(f"{path}/status/current").get("status")
    if keys and result["state"] == "running":
        try:
            result["host_keys"] = read_host_keys(client, path)
        except ApiError as error:
            result["problem"] = f"its host key cannot be read through the guest agent: {error.text.strip()}"
    return result
