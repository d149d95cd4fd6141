# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node taken out of its cluster: what is asked of whom, and what a check run leaves alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_evict as evict
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiRefused, ApiUnreachable


class Cluster:
    """Members of etcd by address, nodes by name, and what was asked for."""

    def __init__(self, members: set[str], nodes: set[str]) -> None:
        self.members, self.nodes = members, nodes

    def remove_member(self, asked: str, address: str, check: bool = False) -> tuple[bool, list[str]]:
        there = address in self.members
        if not check:
            self.members.discard(address)
        return there, sorted(self.members)

    def request(self, method: str, path: str) -> None:
        name = path.rpartition("/")[2]
        if name not in self.nodes:
            raise ApiRefused(404, f"nodes {name} not found")
        if method == "DELETE":
            self.nodes.discard(name)


@pytest.mark.parametrize("members", [{"192.0.2.12"}, set()])
@pytest.mark.parametrize("nodes", [{"node-2"}, set()])
def test_a_check_run_tells_what_a_run_does_and_a_second_run_does_nothing(
    members: set[str], nodes: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster({"192.0.2.11", *members}, {"node-1", *nodes})
    monkeypatch.setattr(evict, "remove_member", cluster.remove_member)
    monkeypatch.setattr(evict, "admin_api", lambda _address: cluster)
    words = ("192.0.2.11", "node-2", "192.0.2.12")
    told = evict.evict(*words, check=True)
    assert told == bool(members or nodes)
    assert (cluster.members, cluster.nodes) == ({"192.0.2.11", *members}, {"node-1", *nodes})
    assert evict.evict(*words) == told
    assert (cluster.members, cluster.nodes) == ({"192.0.2.11"}, {"node-1"})
    assert not evict.evict(*words)


def test_a_node_object_that_cannot_be_deleted_is_told_with_what_has_left_already(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster({"192.0.2.11", "192.0.2.12"}, {"node-1", "node-2"})
    words = ("192.0.2.11", "node-2", "192.0.2.12")

    def unreachable(_method: str, _path: str) -> None:
        raise ApiUnreachable("192.0.2.11 does not answer")

    monkeypatch.setattr(evict, "remove_member", cluster.remove_member)
    monkeypatch.setattr(evict, "admin_api", lambda _address: SimpleNamespace(request=unreachable))
    with pytest.raises(InfraError, match=r"does not answer\. The member of node-2 is out of etcd already: run again"):
        evict.evict(*words)
    with pytest.raises(ApiUnreachable, match="does not answer$"):
        evict.evict(*words)
