# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads guests: one list for all, one request for each configuration."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed, from_row, with_pending

READERS = 8


class Reading(Protocol):
    """Whatever answers GET as the API does."""

    def get(self, path: str, **params: Any) -> Any:
        """The server's answer."""


def id_is_free(client: Reading, vm_id: int) -> bool:
    """Whether an id is free. The list hides guests that the token has no rights on; only this question knows of them."""
    try:
        client.get("cluster/nextid", vmid=vm_id)
    except ApiError as error:
        if error.status == 400:
            return False
        raise
    return True


class GuestReader:
    """Reads from one Proxmox."""

    def __init__(self, client: ProxmoxClient) -> None:
        self._client = client

    def rows(self) -> list[Observed]:
        """All guests that the token sees, without configurations."""
        return [from_row(row) for row in self._client.get("cluster/resources", type="vm")]

    def read(self, row: Observed) -> Observed:
        """The guest with its configuration and pending values. A container or template stays as it is."""
        if row.kind != "qemu" or row.template:
            return row
        return with_pending(row, self._client.get(f"nodes/{row.node}/qemu/{row.vm_id}/pending"))

    def read_all(self, rows: Iterable[Observed]) -> dict[int, Observed]:
        """Several guests, eight at a time. Raises ProblemsError naming each that cannot be read."""
        read, problems = self.read_each(rows)
        if problems:
            raise ProblemsError("Guests cannot be read; nothing was changed:", list(problems.values()))
        return read

    def read_each(self, rows: Iterable[Observed]) -> tuple[dict[int, Observed], dict[int, str]]:
        """The same, and by id why some cannot be read; those stay as they are in the list."""
        problems: dict[int, str] = {}

        def one(row: Observed) -> Observed:
            try:
                return self.read(row)
            except InfraError as error:
                problems[row.vm_id] = f"guest {row.vm_id} on {row.node}: {error}"
                return row

        with ThreadPoolExecutor(READERS) as pool:
            read = list(pool.map(one, rows))
        return {observed.vm_id: observed for observed in read}, problems

    def find(self, vm_id: int) -> Observed | None:
        """One guest by id, with its configuration and its power state of this moment; None when it is not there."""
        row = next((row for row in self.rows() if row.vm_id == vm_id), None)
        if row is None:
            return None
        observed = self.read(row)
        return replace(observed, status=self.status(observed)) if observed.config is not None else observed

    def confirm_stopped(self, guest: Observed) -> Observed:
        """The guest with its power state of this moment where the list does not say that it runs: one that was rebooted
        or started in the last ten seconds is still listed as stopped, and starting it again would be no change."""
        if guest.config is None or guest.kind != "qemu" or guest.template or guest.running:
            return guest
        return replace(guest, status=self.status(guest))

    def status(self, guest: Observed) -> str:
        """``running`` or ``stopped`` now; the list may be ten seconds old."""
        current = self._client.get(f"nodes/{guest.node}/qemu/{guest.vm_id}/status/current")
        return str(current.get("status", "unknown"))

    def is_free(self, vm_id: int) -> bool:
        """Whether an id is free, also of guests that the token may not see."""
        return id_is_free(self._client, vm_id)
