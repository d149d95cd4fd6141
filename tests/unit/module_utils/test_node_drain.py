# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drain that does not end well: what is told is what has become of the node."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiRefused, ApiUnreachable
from ansible_collections.detectviz.infra.plugins.module_utils._node_drain import OURS, Node
from ansible_collections.detectviz.infra.plugins.modules.node_drain import drain

from tests.unit.fake_clock import FakeClock

TIMEOUT = 10


class Cluster(FakeClock):
    """The API of a cluster with one node, and its clock. Pods of ``kept`` are guarded; it is away from ``away_at`` on."""

    def __init__(self, *pods: str, kept: tuple[str, ...] = (), cordoned: bool = False, away_at: float = 1e9) -> None:
        super().__init__(time=0.0)
        self.pods, self.kept, self.away_at = list(pods), kept, away_at
        self.node: dict[str, Any] = {"metadata": {"annotations": {}}, "spec": {"unschedulable": cordoned}, "status": {}}

    def get(self, path: str) -> Any:
        self._answer()
        if path == "/api/v1/nodes/w1":
            return self.node
        owner = {"kind": "ReplicaSet", "controller": True}
        return {"items": [{"metadata": {"namespace": "shop", "name": name, "uid": name, "ownerReferences": [owner]}} for name in self.pods]}

    def post(self, path: str, _body: Any) -> None:
        self._answer()
        name = path.split("/")[-2]
        if name in self.kept:
            raise ApiRefused(429, "would violate the disruption budget")
        self.pods.remove(name)

    def patch(self, _path: str, body: Any) -> None:
        self._answer()
        for part, changes in (("metadata", body["metadata"]["annotations"]), ("spec", body["spec"])):
            kept = self.node[part].setdefault("annotations", {}) if part == "metadata" else self.node[part]
            kept.update(changes)
            for key in [key for key, value in kept.items() if value is None]:
                del kept[key]

    def _answer(self) -> None:
        if self.time >= self.away_at:
            raise ApiUnreachable("192.0.2.10 does not answer")

    @property
    def out_of_use(self) -> tuple[bool, bool]:
        """Whether the node takes no pods, and whether it says that we did that."""
        return bool(self.node["spec"].get("unschedulable")), OURS in self.node["metadata"]["annotations"]


def drained(cluster: Cluster) -> dict[str, Any]:
    params = {"name": "w1", "reason": "upgrade", "bare_pods": "kept"}
    module: Any = SimpleNamespace(params=params, check_mode=False)
    api: Any = cluster
    return drain(module, Node(api, "w1", api, TIMEOUT))


def test_all_pods_leave() -> None:
    cluster = Cluster("web-1", "web-2")
    assert drained(cluster) == {"changed": True, "pods": 2}
    assert cluster.out_of_use == (True, True)


def test_a_node_that_is_given_back_is_told_with_the_pods_that_have_left_it() -> None:
    cluster = Cluster("web-1", "web-2", "db", kept=("db",))
    with pytest.raises(InfraError) as raised:
        drained(cluster)
    assert str(raised.value).startswith("w1 still has shop/db after 10 s. shop/db: would violate the disruption budget")
    assert str(raised.value).endswith("It takes pods again; 2 pods have left it")
    assert "Nothing was changed" not in str(raised.value)
    assert cluster.out_of_use == (False, False)


def test_a_node_that_others_took_out_of_use_is_told_as_that() -> None:
    cluster = Cluster("db", kept=("db",), cordoned=True)
    with pytest.raises(InfraError, match="It stays out of use, as it was before; 0 pods have left it"):
        drained(cluster)
    assert cluster.out_of_use == (True, False)


def test_a_node_that_cannot_be_given_back_is_told_with_both_reasons() -> None:
    class Refuses(Cluster):
        """Nobody may change the node any more once it is out of use."""

        def patch(self, path: str, body: Any) -> None:
            if self.out_of_use[1]:
                raise ApiRefused(403, "nodes w1 is forbidden")
            super().patch(path, body)

    cluster = Refuses("web-1", "db", kept=("db",))
    with pytest.raises(InfraError) as raised:
        drained(cluster)
    for part in ("w1 still has shop/db", "stays out of use", "nodes w1 is forbidden", "kubectl uncordon w1", "1 pods have left it"):
        assert part in str(raised.value)


def test_an_api_that_goes_away_is_told_with_the_node_that_stays_out_of_use() -> None:
    cluster = Cluster("web-1", "db", kept=("db",), away_at=5)
    with pytest.raises(InfraError, match="192.0.2.10 does not answer.+It stays out of use.+kubectl uncordon w1; 1 pods have left it"):
        drained(cluster)
    assert cluster.out_of_use == (True, True)
