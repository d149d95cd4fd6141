"""A run of site.yml with nothing to do: what it executes on each node, and its time beside as many pings."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

import yaml

from tests.bench.cluster.plays import Played, play
from tests.lab.cluster.cluster import Cluster
from tests.lab.test_site import MACHINES


@dataclass(frozen=True)
class Still:
    played: Played
    executions: dict[str, Counter[str]]
    """Modules by node."""
    pings: float
    """Seconds of as many tasks that ping every node."""

    @property
    def most(self) -> int:
        return max(counted.total() for counted in self.executions.values())


def still(cluster: Cluster) -> Still:
    began = time.time()
    played = play(cluster.lab, "site.yml")
    executions = {name: cluster.modules_since(name, began) for name in MACHINES}
    count = max(counted.total() for counted in executions.values())
    return Still(played, executions, _pings(cluster, count))


def _pings(cluster: Cluster, count: int) -> float:
    task = {"name": "Ping", "ansible.builtin.ping": {}}
    plays = [{"name": "Pings", "hosts": "k8s_cluster", "gather_facts": False, "become": True, "tasks": [task] * count}]
    playbook = cluster.lab.folder / "pings.yml"
    playbook.write_text(yaml.safe_dump(plays))
    return play(cluster.lab, str(playbook)).seconds
