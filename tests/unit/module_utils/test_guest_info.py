# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States and host keys of guests, some of which still boot."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._guest_info import read_guests
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_session import Connection
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError

from tests.unit.fake_clock import FakeClock

KEY = "ssh-ed25519 AAAA"
GUESTS = [{"name": "node-1", "vm_id": 101}, {"name": "node-2", "vm_id": 102}]


class Cluster(FakeClock):
    """Its time passes only when somebody waits, and three seconds with an agent that is not up. Stands for client and clock."""

    def __init__(self, agents: dict[int, float], says: str = "QEMU guest agent is not running", **row: Any) -> None:
        self.agents, self.says, self.row = agents, says, row
        super().__init__(time=0.0)
        self.asked: list[int] = []

    def get(self, path: str, **parameters: Any) -> Any:
        if path == "cluster/resources":
            return [{"vmid": vm_id, "node": "pve", "type": "qemu", "status": "running", **self.row} for vm_id in self.agents]
        vm_id = int(path.split("/")[3])
        self.asked.append(vm_id)
        if self.time < self.agents[vm_id]:
            self.time += 3
            raise ApiError("GET", path, 500, self.says)
        return {"content": KEY}


def read(cluster: Cluster, **options: Any) -> list[dict[str, Any]]:
    return read_guests(cluster, GUESTS, ["node-1", "node-2"], clock=cluster, **options)


def test_a_guest_that_still_boots_is_waited_for_and_one_that_is_up_is_asked_once() -> None:
    cluster = Cluster({101: 40, 102: 0})
    assert [guest["host_keys"] for guest in read(cluster, wait_for=["node-1", "node-2"], timeout=900)] == [[KEY], [KEY]]
    assert cluster.asked.count(102) == 1 and 40 <= cluster.time < 50


@pytest.mark.parametrize(
    ("options", "row", "says"),
    [
        ({}, {}, "QEMU guest agent is not running"),
        ({"wait_for": ["node-2"], "timeout": 900}, {}, "QEMU guest agent is not running"),
        ({"wait_for": ["node-1"], "timeout": 900}, {"uptime": 1000}, "QEMU guest agent is not running"),
        ({"wait_for": ["node-1"], "timeout": 900}, {}, "No QEMU guest agent configured"),
    ],
    ids=["nobody", "another", "ran for long", "no agent"],
)
def test_others_are_asked_once(options: dict[str, Any], row: dict[str, Any], says: str) -> None:
    cluster = Cluster({101: 4000, 102: 0}, says, **row)
    first, second = read(cluster, **options)
    assert says in first["problem"] and second["host_keys"] == [KEY]
    assert cluster.asked.count(101) == 1 and cluster.time <= 3


def test_the_time_ends_with_the_last_answer() -> None:
    cluster = Cluster({101: 4000, 102: 0}, uptime=100)
    first, second = read(cluster, wait_for=["node-1"], timeout=130)
    assert "is not running" in first["problem"] and not first["host_keys"] and second["host_keys"]
    assert 30 <= cluster.time <= 36


@pytest.mark.parametrize(
    ("guest", "text"),
    [
        ({"name": "a"}, r"guests\[1\].vm_id of a is no id; write the guest's id on Proxmox"),
        ({"name": "a", "vm_id": "x"}, r"guests\[1\].vm_id of a is no id"),
        ({"vm_id": 101}, r"guests\[1\].name is missing"),
    ],
)
def test_a_guest_without_name_or_id_is_told(guest: dict[str, Any], text: str) -> None:
    client = ProxmoxClient(Connection("127.0.0.1", 1, token_id="me@pve!one", token_secret="x"))
    with pytest.raises(InfraError, match=text):
        read_guests(client, [{"name": "b", "vm_id": "102"}, guest])


class HalfDown:
    """Of two nodes one is down; stands for the API client."""

    def get(self, path: str, **parameters: Any) -> Any:
        if path == "cluster/resources":
            return [{"vmid": 101, "node": "pve1", "type": "qemu", "status": "running"},
                    {"vmid": 102, "node": "pve2", "type": "qemu", "status": "unknown"}]  # fmt: skip
        if "/pve2/" in path:
            raise ApiError("GET", path, 595, "No route to host")
        return {"content": KEY}


def test_a_guest_whose_node_is_down_is_told_and_the_others_are_read() -> None:
    first, second = read_guests(HalfDown(), GUESTS, ["node-1", "node-2"])
    assert (first["state"], first["host_keys"], first["problem"]) == ("running", [KEY], None)
    assert (second["state"], second["node"], second["host_keys"]) == ("unknown", "pve2", [])
    assert "No route to host" in second["problem"] and "pve2" in second["problem"]
