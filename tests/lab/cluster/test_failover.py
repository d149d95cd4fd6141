"""The node with the virtual address is lost in six ways, and etcd loses its majority.

`--failovers N` repeats each way N times; the end of the run tells the times. They are those of kube-vip's stand-in, on a
machine that all nodes share, so no test has a limit for them beyond "it comes back".
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.lab.cluster.cluster import MASTERS, Cluster, eventually
from tests.lab.cluster.failover import Failover, measure
from tests.lab.cluster.holder_faults import WAYS, Way, all_can_take_over

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


@pytest.fixture(autouse=True)
def whole(cluster: Cluster) -> None:
    """What a test that failed has left is mended as its user would."""
    try:
        all_can_take_over(cluster)
    except AssertionError:
        cluster.play("site.yml")
        all_can_take_over(cluster)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_api_comes_back_when_the_holder_of_the_address_is_lost(
    cluster: Cluster, way: Way, failovers: dict[str, list[Failover]], failover_runs: int
) -> None:
    for _run in range(failover_runs):
        all_can_take_over(cluster)
        found = measure(cluster, partial(way.fault, cluster), partial(way.mend, cluster))
        failovers.setdefault(way.name, []).append(found)


def test_etcd_without_a_majority_is_told_as_that_and_nothing_is_initialised(cluster: Cluster) -> None:
    """The machines run, and the control plane of two of them does not."""
    lost, manifests = MASTERS[1:], "/etc/kubernetes/manifests"
    for name in lost:
        cluster.on(name, f"mv {manifests}/etcd.yaml /etc/kubernetes/etcd.yaml")
    try:
        eventually("the API refuses", lambda: not cluster.answers())
        said = " ".join(cluster.refused("site.yml", "--tags", "p2").split())
        assert "of its 3 members only master-1 runs" in said and "Bring back master-2 or master-3" in said
        assert [cluster.unfinished(name) for name in MASTERS] == [""] * len(MASTERS)
    finally:
        for name in lost:
            cluster.on(name, f"mv /etc/kubernetes/etcd.yaml {manifests}/etcd.yaml")
    all_can_take_over(cluster)
    cluster.play("site.yml", "--tags", "p2")
    assert cluster.missed() == []
