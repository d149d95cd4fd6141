# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where guests are, whether they run, and their SSH host keys as the guest agent reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock, SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._host_keys import read_host_keys
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError

PROBE_SECONDS = 3.0
"""At least so long from one round of questions to the next: an agent that is not up keeps a worker of the host busy."""


def read_guests(
    client: ProxmoxClient,
    guests: Iterable[Mapping[str, Any]],
    keys_of: Collection[str] = (),
    wait_for: Collection[str] = (),
    timeout: int = 0,
    clock: Clock | None = None,
) -> list[dict[str, Any]]:
    """One list request for all guests; one more for each that the list does not know to be running or stopped, and one
    for each in ``keys_of`` that runs.

    ``guests`` have ``name`` and ``vm_id``. Returns per guest ``name``, ``vm_id``, ``node``, ``state`` (``running``,
    ``stopped``, ``planned`` when it is not there, ``unknown`` when its node does not answer), ``host_keys`` and ``problem``
    (why there are no keys, or why its state is not known; or None). Raises InfraError for a guest without a name or an id.

    Those in ``wait_for`` are asked for their keys until they have run for ``timeout`` seconds: they may still boot, as
    after a run that was killed. One that has run for longer is asked once.
    """
    guests = list(guests)
    _check(guests)
    clock = clock or SystemClock()
    began = clock.monotonic()
    rows = {int(row["vmid"]): row for row in client.get("cluster/resources", type="vm") if row.get("vmid")}
    results = [_read(client, guest, rows.get(int(guest["vm_id"]))) for guest in guests]
    left = {
        result["vm_id"]: timeout - int(rows[result["vm_id"]].get("uptime") or 0) if result["name"] in wait_for else 0
        for result in results
        if result["name"] in keys_of and result["state"] == "running"
    }
    asked = [result for result in results if result["vm_id"] in left]
    while asked:
        round_began = clock.monotonic()
        asked = [result for result in asked if not _read_keys(client, rows[result["vm_id"]], result)]
        asked = [result for result in asked if clock.monotonic() - began < left[result["vm_id"]]]
        if asked:
            clock.sleep(max(0.0, round_began + PROBE_SECONDS - clock.monotonic()))
    return results


def _check(guests: Iterable[Mapping[str, Any]]) -> None:
    for number, guest in enumerate(guests):
        if not guest.get("name"):
            raise InfraError(f"guests[{number}].name is missing; write the guest's name, as the node table has it")
        vm_id = str(guest.get("vm_id") or "")
        if not (vm_id.isascii() and vm_id.isdigit()):
            raise InfraError(f"guests[{number}].vm_id of {guest['name']} is no id; write the guest's id on Proxmox")


def _path(row: Mapping[str, Any]) -> str:
    return f"nodes/{row['node']}/{row['type']}/{row['vmid']}"


def _read(client: ProxmoxClient, guest: Mapping[str, Any], row: Mapping[str, Any] | None) -> dict[str, Any]:
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
    result["node"] = row["node"]
    result["state"] = row.get("status")
    if result["state"] not in ("running", "stopped"):
        # The list learns the state of a fresh guest some ten seconds late.
        try:
            result["state"] = client.get(f"{_path(row)}/status/current").get("status")
        except InfraError as error:
            # Its node is down; that is no reason to tell nothing of the others.
            result["state"] = "unknown"
            result["problem"] = f"its state on {row['node']} cannot be read: {error}"
    return result


def _read_keys(client: ProxmoxClient, row: Mapping[str, Any], result: dict[str, Any]) -> bool:
    """Ask once; whether there is nothing to wait for: there are keys, or a refusal that does not pass."""
    try:
        result["host_keys"] = read_host_keys(client, _path(row))
        result["problem"] = None
        return bool(result["host_keys"])
    except ApiError as error:
        result["problem"] = f"its host key cannot be read through the guest agent: {error.text.strip()}"
        return error.status != 500 or "No QEMU guest agent" in error.text or "disabled" in error.text
    except InfraError as error:
        result["problem"] = f"its host key cannot be read: {error}"
        return True
