# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members of etcd may be removed, and whose view of them counts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _etcd_members as members
from ansible_collections.detectviz.infra.plugins.module_utils import _etcd_removal as removal
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiUnreachable
from hypothesis import given
from hypothesis import strategies as st

ADDRESSES = [f"10.0.0.{number}" for number in range(11, 18)]


def cluster(count: int, learner: int | None = None) -> list[dict[str, Any]]:
    return [
        {"id": str(number), "name": f"m{number}", "address": ADDRESSES[number], "learner": number == learner}
        for number in range(count)
    ]


@given(st.integers(1, 7), st.data())
def test_a_removal_never_costs_the_majority(count: int, draw: st.DataObject) -> None:
    healthy = set(draw.draw(st.lists(st.sampled_from(ADDRESSES[:count]), unique=True)))
    target = draw.draw(st.sampled_from(ADDRESSES[:count]))
    problem = members.removal_problem(cluster(count), healthy, target)
    decides = len(healthy) >= count // 2 + 1
    stays = count > 1 and len(healthy - {target}) >= (count - 1) // 2 + 1
    assert (problem is None) == (decides and stays)


def test_removals_that_everybody_knows() -> None:
    three = cluster(3)
    one_dead = {ADDRESSES[1], ADDRESSES[2]}
    assert members.removal_problem(three, one_dead, ADDRESSES[0]) is None
    assert "bring 10.0.0.11 back first" in str(members.removal_problem(three, one_dead, ADDRESSES[1]))
    assert "lost its majority" in str(members.removal_problem(three, {ADDRESSES[2]}, ADDRESSES[0]))
    assert "only member" in str(members.removal_problem(cluster(1), {ADDRESSES[0]}, ADDRESSES[0]))
    assert members.removal_problem(three, set(), "10.0.0.99") is None
    assert members.removal_problem(cluster(3, learner=2), {ADDRESSES[0], ADDRESSES[1]}, ADDRESSES[2]) is None


class Etcd:
    """What answers at an address: a member with these ids that knows these members."""

    def __init__(self, cluster_id: str, member_id: str, known: list[dict[str, Any]]) -> None:
        self.header, self.known = {"cluster_id": cluster_id, "member_id": member_id}, known

    def get(self, _path: str) -> dict[str, str]:
        return {"health": "true"}

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == "/v3/maintenance/status":
            return {"header": self.header, "leader": "1"}
        if path == "/v3/cluster/member/remove":
            self.known[:] = [item for item in self.known if item["id"] != body["ID"]]
        listed = [{"ID": item["id"], "name": item["name"], "peerURLs": [members.peer_url(item["address"])]} for item in self.known]
        return {"header": self.header, "members": listed}


def removed(etcds: dict[str, Etcd], asked: str, address: str, monkeypatch: pytest.MonkeyPatch) -> tuple[bool, list[str]]:
    def connect(where: str, _port: int, _credentials: Any) -> Etcd:
        if where not in etcds:
            raise ApiUnreachable(where)
        return etcds[where]

    monkeypatch.setattr(removal, "HttpsJson", connect)
    return removal.remove_member(asked, address)


@pytest.mark.parametrize(
    ("cluster_id", "member_id", "knows"),
    [("other", "0", 3), ("ours", "9", 3), ("ours", "0", 1)],
    ids=["another cluster", "another member", "begun anew with the same ids"],
)
def test_what_answers_for_another_cluster_is_not_counted(
    cluster_id: str, member_id: str, knows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = cluster(3)
    etcds = {ADDRESSES[number]: Etcd("ours", str(number), known) for number in (1, 2)}
    etcds[ADDRESSES[0]] = Etcd(cluster_id, member_id, cluster(knows))
    with pytest.raises(InfraError, match=r"bring 10\.0\.0\.11 back first\. What answers at 10\.0\.0\.11 is of another cluster"):
        removed(etcds, ADDRESSES[1], ADDRESSES[2], monkeypatch)
    assert removed(etcds, ADDRESSES[1], ADDRESSES[0], monkeypatch) == (True, ADDRESSES[1:3])
    assert [item["id"] for item in known] == ["1", "2"]


def test_a_member_is_found_however_its_address_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [{"id": str(number), "name": f"m{number}", "address": f"fd00::{number}"} for number in (1, 2, 3)]
    etcds = {f"fd00::{number}": Etcd("ours", str(number), known) for number in (1, 2, 3)}
    assert removed(etcds, "fd00::1", "FD00:0::3", monkeypatch) == (True, ["fd00::1", "fd00::2"])


def test_the_best_view_is_not_that_of_a_member_that_began_anew() -> None:
    nodes = {
        "m1": {"view": {"nodes": [{"name": "m1"}], "members": cluster(1)}},
        "m2": {"view": {"nodes": [{"name": "m1"}, {"name": "m2"}], "members": cluster(3)}},
        "m3": {"view": {"error": "no answer"}},
    }
    assert members.best_view(nodes, ["m1", "m2", "m3"]) == "m2"
    assert members.best_view({"m3": nodes["m3"]}, ["m1", "m2", "m3"]) is None


def test_addresses_are_written_as_etcd_takes_them() -> None:
    assert members.initial_cluster({"a": "10.0.0.1", "b": "fd00::1"}) == "a=https://10.0.0.1:2380,b=https://[fd00::1]:2380"
