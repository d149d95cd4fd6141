"""Nodes with remains of a cluster: what is wiped, what stays, and what etcd's majority forbids."""

from __future__ import annotations

import json

import pytest

from tests.lab.cluster.cluster import MASTERS, Cluster, eventually, told
from tests.lab.test_site import MACHINES, changes

pytestmark = [pytest.mark.timeout(2700), pytest.mark.long]

# Somebody else's, named as like ours as it may be; the last two lines are Calico's own.
FOREIGN = """set -e
iptables -N MINE
iptables -A MINE -m comment --comment 'before -j KUBE-SERVICES' -j ACCEPT
iptables -A INPUT -p tcp --dport 4 -j MINE
nft add table ip kube
ip link add calibration type bridge
ip route add blackhole 203.0.113.0/24
iptables -N cali-FORWARD
iptables -A FORWARD -m comment --comment cali:wUHhoiAYhphO9Mso -j cali-FORWARD
"""
SHOWN = """
for version in nft legacy; do command -v iptables-$version-save >/dev/null && iptables-$version-save; done
nft list tables; ip -oneline link; ip -oneline address; ip route show table all
"""
OURS = (":KUBE-", ":cali-", "cali:", "table ip kube-proxy", "vxlan.calico", "192.168.0.10/")
THEIRS = ("-A MINE", "--dport 4", "table ip kube\n", "calibration", "203.0.113.0/24")
REMAINS = "ls -A /etc/kubernetes/manifests /etc/kubernetes/*.conf /etc/kubernetes/pki /var/lib/etcd /var/lib/calico 2>/dev/null || true"


def joins(cluster: Cluster) -> None:
    cluster.play("site.yml", "--tags", "p2")
    cluster.becomes_whole()


def test_a_worker_that_leaves_keeps_what_is_others_and_nothing_of_the_cluster(cluster: Cluster) -> None:
    cluster.on("app-worker", FOREIGN)
    before = cluster.on("app-worker", SHOWN)
    assert [word for word in OURS[:-1] if word not in before] == ["table ip kube-proxy"]  # its mode is iptables
    assert [word for word in THEIRS if word not in before] == []
    cluster.play("playbooks/remove_node.yml", "-e", "remove=app-worker")
    assert {node["metadata"]["name"] for node in cluster.objects("nodes")} == set(MASTERS)
    after = cluster.on("app-worker", SHOWN)
    assert [word for word in OURS if word in after] == []
    assert [word for word in THEIRS if word not in after] == []
    joins(cluster)
    assert ":KUBE-" in cluster.on("app-worker", SHOWN)


def test_a_node_with_remains_is_refused_until_it_is_named(cluster: Cluster) -> None:
    cluster.kubectl("delete", "node", "app-worker")
    kubelet = cluster.on("app-worker", "sha256sum /etc/kubernetes/kubelet.conf; systemctl is-active kubelet")
    said = told(cluster.refused("site.yml", "--tags", "p2"))
    assert "app-worker has files of a cluster" in said and "kubeadm_reset_nodes" in said
    assert cluster.on("app-worker", "sha256sum /etc/kubernetes/kubelet.conf; systemctl is-active kubelet") == kubelet
    cluster.play("site.yml", "--tags", "p2", "-e", '{"kubeadm_reset_nodes": ["app-worker"]}')
    cluster.becomes_whole()


def test_a_whole_node_is_not_wiped_though_it_is_named(cluster: Cluster) -> None:
    started = cluster.on("master-2", "stat -c %Y /etc/kubernetes/kubelet.conf")
    cluster.play("site.yml", "--tags", "p2", "-e", '{"kubeadm_reset_nodes": ["master-2"]}')
    assert cluster.on("master-2", "stat -c %Y /etc/kubernetes/kubelet.conf") == started


def test_a_master_leaves_and_keeps_its_keys_aside(cluster: Cluster) -> None:
    cluster.play("playbooks/remove_node.yml", "-e", "remove=master-3")
    assert cluster.voters() == set(MASTERS) - {"master-3"}
    assert cluster.ready() == set(MACHINES) - {"master-3"}
    assert [word for word in OURS if word in cluster.on("master-3", SHOWN)] == []
    assert "apiserver" not in cluster.on("master-3", REMAINS)
    kept = cluster.on("master-3", "cd /var/lib/detectviz-infra/removed/*/ && stat -c %a . && ls pki/ca.key member/wal")
    assert kept.startswith("700") and "pki/ca.key" in kept and ".wal" in kept
    for again in (["--check"], []):
        said = cluster.play("playbooks/remove_node.yml", "-e", "remove=master-3", *again)
        assert set(changes(said).values()) == {0}
    joins(cluster)


def test_a_master_stays_where_the_majority_would_be_lost(cluster: Cluster) -> None:
    cluster.power("master-2", "stop")
    eventually("master-2 is away", lambda: "master-2" not in cluster.ready())
    said = told(cluster.refused("playbooks/remove_node.yml", "-e", "remove=master-3"))
    assert f"bring {MACHINES['master-2'][1]} back first" in said
    # Nothing has begun: its pods are not driven away either.
    assert not cluster.objects("node", "master-3")[0]["spec"].get("unschedulable")
    assert cluster.voters("master-1") == set(MASTERS)
    cluster.power("master-2", "start")
    cluster.becomes_whole()


def test_nodes_with_remains_that_are_all_named_become_a_new_cluster(cluster: Cluster) -> None:
    fingerprint = "sha256sum /etc/kubernetes/pki/ca.crt"
    before = cluster.on("master-1", fingerprint)
    for name in MASTERS:
        cluster.on(name, "rm /etc/kubernetes/manifests/*.yaml")
    eventually("the API is away", lambda: not cluster.answers())
    said = told(cluster.refused("site.yml", "--tags", "p2"))
    assert "have the data of a cluster in /var/lib/etcd" in said and "name the node in kubeadm_reset_nodes" in said
    cluster.play("site.yml", "--tags", "p2", "-e", json.dumps({"kubeadm_reset_nodes": list(MACHINES)}))
    cluster.becomes_whole()
    assert cluster.on("master-1", fingerprint) != before
    assert "pki/ca.key" in cluster.on("master-1", "cd /var/lib/detectviz-infra/removed/*/ && ls pki/ca.key")
