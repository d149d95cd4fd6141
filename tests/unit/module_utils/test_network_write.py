# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of a node's network that is refused half way: what is told, and what is left."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError, UnreachableError
from ansible_collections.detectviz.infra.plugins.modules import proxmox_network

from tests.unit import module_stub

BRIDGES = [{"name": "vmbr2", "cidr": "10.1.0.2/24"}]


class Node:
    """It refuses a bridge, and possibly the removal of what waits; stands for the API client."""

    def __init__(self, drops: bool) -> None:
        self.drops = drops
        self.dropped = 0

    def get_whole(self, _path: str) -> dict[str, Any]:
        return {"data": [{"iface": "vmbr0", "type": "bridge", "cidr": "192.0.2.2/24", "address": "192.0.2.2"}]}

    def post(self, path: str, **_parameters: Any) -> None:
        raise ApiError("POST", path, 500, "no space left")

    def delete(self, _path: str) -> None:
        if not self.drops:
            raise UnreachableError("pve does not answer")
        self.dropped += 1


def refused(node: Node, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(proxmox_network, "client_of", lambda _module: node)
    told = module_stub.run(proxmox_network, monkeypatch, node="pve", bridges=BRIDGES, api_host="192.0.2.2")
    assert told["failed"]
    return str(told["msg"])


def test_what_was_written_is_dropped_and_the_cause_told(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node(drops=True)
    said = refused(node, monkeypatch)
    assert "no space left" in said and "pvesh" not in said and node.dropped == 1


def test_where_it_cannot_be_dropped_both_reasons_and_the_way_out_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(Node(drops=False), monkeypatch)
    assert "no space left" in said and "pve does not answer" in said and "pvesh delete /nodes/pve/network" in said
