"""The node with the virtual address is lost in six ways, each master in turn, and two at once.

`--failovers N` repeats each way N times; the end of the run tells the times. They are those of kube-vip's stand-in, on a
machine that all nodes share, so no test has a limit for them beyond "it comes back".
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.lab.cluster.cluster import MASTERS, Cluster, eventually, told
from tests.lab.cluster.failover import Failover, measure
from tests.lab.cluster.holder_faults import WAYS, Way, all_can_take_over, back_off_is_over, switched_off, switched_on
from tests.lab.test_site import MACHINES

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
        back_off_is_over(cluster)
        all_can_take_over(cluster)
        found = measure(cluster, partial(way.fault, cluster), partial(way.mend, cluster))
        failovers.setdefault(way.name, []).append(found)


@pytest.mark.parametrize("name", MASTERS)
def test_reads_and_writes_go_on_without_any_one_master(cluster: Cluster, name: str) -> None:
    before, after = f"before-{name}-was-lost", f"after-{name}-was-lost"
    cluster.write(before)
    switched_off(cluster, name)
    try:
        eventually(f"{name} is seen to be lost", lambda: cluster.ready() == set(MACHINES) - {name})
        cluster.write(after)
        assert {before, after} <= cluster.written()
    finally:
        switched_on(cluster, name)
    all_can_take_over(cluster)
    assert {before, after} <= cluster.written()
    cluster.kubectl("delete", "configmap", before, after)


def test_two_masters_lost_are_told_by_name_and_one_that_returns_is_enough(cluster: Cluster) -> None:
    cluster.write("before-both")
    for name in MASTERS[1:]:
        switched_off(cluster, name)
    eventually("the API refuses", lambda: not cluster.answers())
    said = cluster.refused("site.yml", "--tags", "p2")
    for name in MASTERS[1:]:
        assert f"{name} is not reached over SSH: run playbooks/p1_machines.yml, or start it" in said
    assert cluster.unfinished("master-1") == ""
    switched_on(cluster, MASTERS[1])
    eventually("the API answers with two of three", cluster.answers)
    assert "before-both" in cluster.written()
    cluster.write("with-two")
    cluster.play("site.yml")
    all_can_take_over(cluster)
    assert cluster.missed() == []
    cluster.kubectl("delete", "configmap", "before-both", "with-two")


def test_etcd_without_a_majority_is_told_as_that_and_nothing_is_initialised(cluster: Cluster) -> None:
    """The machines run, and the control plane of two of them does not."""
    lost, manifests = MASTERS[1:], "/etc/kubernetes/manifests"
    for name in lost:
        cluster.on(name, f"mv {manifests}/etcd.yaml /etc/kubernetes/etcd.yaml")
    try:
        eventually("the API refuses", lambda: not cluster.answers())
        said = told(cluster.refused("site.yml", "--tags", "p2"))
        assert "of its 3 members only master-1 runs" in said and "Bring back master-2 or master-3" in said
        assert [cluster.unfinished(name) for name in MASTERS] == [""] * len(MASTERS)
    finally:
        for name in lost:
            cluster.on(name, f"mv /etc/kubernetes/etcd.yaml {manifests}/etcd.yaml")
    all_can_take_over(cluster)
    cluster.play("site.yml", "--tags", "p2")
    assert cluster.missed() == []
