"""`kill -9` of a run at every step from nothing to a cluster, again and again: the next run always goes on.

One fresh cluster is made by many runs, each of which is killed at a later step than the one before. At some steps what
works on the node is killed as well, at others it outlives the run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tests.lab.cluster.cluster import MASTERS, Cluster, eventually
from tests.lab.test_site import MACHINES, changes

pytestmark = [pytest.mark.long, pytest.mark.timeout(2700)]

KILL_ON_NODE = "pkill -KILL -x python3; pkill -KILL -x kubeadm; true"
KUBEADM_WORKS = "pgrep -x kubeadm"


@dataclass(frozen=True)
class Moment:
    name: str
    task: str
    """Heading of the task in what the run says."""
    node: str
    reached: str
    """A condition on the node, asked once the task has begun."""
    node_too: bool


MOMENTS = [
    Moment("packages", "The packages have the wanted version", "master-1", "pgrep -x dpkg", False),
    Moment("init, early", "The cluster has its first node", "master-1", "test -e /etc/kubernetes/pki/ca.crt", True),
    Moment("init, etcd has data", "The cluster has its first node", "master-1", "test -d /var/lib/etcd/member", True),
    Moment("init, kubeadm outlives it", "The cluster has its first node", "master-1", KUBEADM_WORKS, False),
    Moment("Calico", "Every object of the manifest is as in the file", "master-1", "true", False),
    Moment("second master, early", "The node is one of the control plane", "master-2", "test -e /etc/kubernetes/pki/ca.crt", True),
    Moment("second master, in etcd", "The node is one of the control plane", "master-2", "test -d /var/lib/etcd/member", True),
    Moment("third master, kubeadm outlives it", "The node is one of the control plane", "master-3", KUBEADM_WORKS, False),
    Moment("third master, kube-vip", "Kube-vip runs on it", "master-3", "test -e /etc/kubernetes/manifests/kube-vip.yaml", True),
    Moment("worker", "The worker is a node of the cluster", "app-worker", "true", True),
    Moment("labels", "Labels and taints", "master-1", "true", False),
]  # fmt: skip


@pytest.fixture(scope="module")
def bare(cluster: Cluster) -> Cluster:
    """The machines, made anew, with nothing of a cluster."""
    words = json.dumps({"reset_guests": list(MACHINES), "reset_confirm": "detectviz"})
    cluster.play("playbooks/reset.yml", "-e", words)
    # A guest of the lab with many pods may answer for a while after it is gone, and P1 takes no address that answers.
    eventually("the machines are made again", lambda: bool(cluster.play("playbooks/p1_machines.yml")))
    return cluster


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_a_run_is_killed(bare: Cluster, moment: Moment) -> None:
    """Each begins where the one before was killed, so that it also tells whether that can be gone on with."""
    with bare.background("site.yml", "--tags", "p2") as run:
        run.until(f"the task '{moment.task}'", lambda: moment.task in run.said())
        run.until(moment.name, lambda: bare.holds(moment.node, moment.reached))
        run.kill()
    if moment.node_too:
        bare.on(moment.node, KILL_ON_NODE)


def test_the_run_that_is_not_killed_makes_it_whole(bare: Cluster) -> None:
    bare.play("site.yml")
    assert bare.missed() == []
    assert bare.whole()
    assert [bare.unfinished(name) for name in MACHINES] == [""] * len(MACHINES)
    secrets = "ls /run/detectviz-infra/*.json 2>/dev/null; ls /etc/kubernetes/super-admin.conf 2>/dev/null; true"
    assert [bare.on(name, secrets) for name in MASTERS] == [""] * len(MASTERS)


def test_and_the_one_after_it_changes_nothing(bare: Cluster) -> None:
    assert set(changes(bare.play("site.yml")).values()) == {0}
