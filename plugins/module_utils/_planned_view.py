# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For check mode: the API read as if what earlier steps of the same run have planned were there already.

A whole run in check mode on an empty Proxmox plans a template first, then guests that are cloned from it. Without this
the second step could only say that the template is missing. Nothing is ever written through it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient

_CONFIG = re.compile(r"^nodes/(?P<node>[^/]+)/qemu/(?P<vm_id>\d+)/config$")
_NETWORK = re.compile(r"^nodes/(?P<node>[^/]+)/network$")


class PlannedView:
    """A client for reading. ``planned`` holds ``templates`` (rows with ``vm_id``, ``name``, ``node``, ``config``),
    ``bridges`` (rows with ``node``, ``name`` and possibly ``mtu``), ``pools`` (names) and ``snippets`` (volumes)."""

    def __init__(self, client: ProxmoxClient, planned: Mapping[str, Sequence[Any]]) -> None:
        self._client = client
        self._templates = {int(row["vm_id"]): row for row in planned.get("templates") or []}
        self._bridges = list(planned.get("bridges") or [])
        self._pools = list(planned.get("pools") or [])
        self._snippets = list(planned.get("snippets") or [])
        self.connection = client.connection

    def get(self, path: str, **params: Any) -> Any:
        """The server's answer, with what is planned added to it."""
        config = _CONFIG.match(path)
        if config and int(config["vm_id"]) in self._templates:
            row = self._templates[int(config["vm_id"])]
            if row["node"] == config["node"]:
                return dict(row["config"])
        answer = self._client.get(path, **params)
        if path == "cluster/resources":
            return _added(answer, "vmid", [_resource(row) for row in self._templates.values()])
        if path == "pools":
            return _added(answer, "poolid", [{"poolid": name} for name in self._pools])
        network = _NETWORK.match(path)
        if network:
            return _added(
                answer, "iface", [_bridge(row) for row in self._bridges if row["node"] == network["node"]], True
            )
        if params.get("content") == "snippets":
            return _added(answer, "volid", [{"volid": volume} for volume in self._snippets])
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _added(
    present: Sequence[Mapping[str, Any]], key: str, planned: Sequence[Mapping[str, Any]], replace: bool = False
) -> list[Any]:
    """Present rows, then the planned ones that are new; with ``replace`` a planned row lies over the present one."""
    by_key = {str(row.get(key)): row for row in planned}
    known = {str(row.get(key)) for row in present}
    merged = [
        {**row, **by_key[str(row.get(key))]} if replace and str(row.get(key)) in by_key else row for row in present
    ]
    return merged + [row for name, row in by_key.items() if name not in known]


def _resource(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "vmid": int(row["vm_id"]),
        "name": row["name"],
        "node": row["node"],
        "type": "qemu",
        "template": 1,
        "status": "stopped",
    }


def _bridge(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"iface": row["name"], "type": "bridge", "active": 1}
    return shown | ({"mtu": row["mtu"]} if row.get("mtu") else {})
