"""The demo on real guests: from nothing to a verified cluster, a second run, and the loss of a master."""

from __future__ import annotations

import stat
import time
from collections import Counter
from dataclasses import dataclass

import pytest
import yaml

from tests.lab.cluster.cluster import MASTERS, Cluster, eventually
from tests.lab.cluster.conftest import Demo
from tests.lab.test_site import IDS, MACHINES, changes, guests

# The guests share the machine's processors with the tests; none of these limits is what is measured.
pytestmark = pytest.mark.timeout(2700)
SEEN_SECONDS = 120
MOST_EXECUTIONS = 40
"""Of modules on one node, in a run with nothing to do."""


@dataclass(frozen=True)
class SecondRun:
    said: str
    executed: dict[str, Counter[str]]


def test_the_demo_ends_with_a_verified_cluster(demo: Demo, cluster: Cluster) -> None:
    assert changes(demo.said)["master-1"] > 0
    assert guests(demo.lab) == IDS
    assert cluster.missed() == []
    assert {row["guest"] for row in cluster.report()} >= {*MACHINES, "cluster"}


def test_every_node_is_ready_on_the_network_of_the_cluster(cluster: Cluster) -> None:
    nodes = {node["metadata"]["name"]: node for node in cluster.objects("nodes")}
    found = {
        name: [a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"]
        for name, node in nodes.items()
    }
    assert found == {name: [addresses[1]] for name, addresses in MACHINES.items()}
    for node in nodes.values():
        conditions = {condition["type"]: condition["status"] for condition in node["status"]["conditions"]}
        assert conditions.pop("Ready") == "True"
        assert set(conditions.values()) == {"False"}
        assert node["status"]["nodeInfo"]["kubeletVersion"].startswith("v1.36.")


def test_three_etcd_members_and_a_kube_vip_each(cluster: Cluster) -> None:
    pods = [pod["metadata"]["name"] for pod in cluster.objects("--namespace", "kube-system", "pods")]
    for part in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-vip"):
        assert sorted(name for name in pods if name.startswith(f"{part}-")) == [
            f"{part}-{name}" for name in MASTERS
        ]


def test_the_kubeconfig_leads_to_the_virtual_address_and_is_its_owners_alone(cluster: Cluster) -> None:
    path = cluster.state / "kubeconfig"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    servers = [entry["cluster"]["server"] for entry in yaml.safe_load(path.read_text())["clusters"]]
    assert [server.rpartition(":")[2] for server in servers] == ["6443"]
    assert "192.168.0.10:" in servers[0] or "k8s-api.detectviz.internal:" in servers[0]


def test_labels_and_taints_are_the_tables(cluster: Cluster) -> None:
    nodes = {node["metadata"]["name"]: node for node in cluster.objects("nodes")}
    assert nodes["app-worker"]["metadata"]["labels"]["node-role.kubernetes.io/workload-apps"] == "true"
    assert {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes.values()} == {"proxmox"}
    taints = {name: [taint["key"] for taint in node["spec"].get("taints", [])] for name, node in nodes.items()}
    assert taints == {name: ["node-role.kubernetes.io/control-plane"] if name in MASTERS else [] for name in MACHINES}


def test_a_secret_lies_encrypted_in_etcd(cluster: Cluster) -> None:
    word = "readable-by-nobody"
    cluster.kubectl("create", "secret", "generic", "hidden", f"--from-literal=key={word}")
    assert cluster.on("master-1", f"sync; grep -rlc {word} /var/lib/etcd/member || true") == ""
    assert "/var/lib/etcd" in cluster.on("master-1", "grep -rl k8s:enc:secretbox /var/lib/etcd/member || true")
    cluster.kubectl("delete", "secret", "hidden")


@pytest.mark.parametrize("name", MASTERS)
def test_the_key_to_everything_is_gone(cluster: Cluster, name: str) -> None:
    files = "/etc/kubernetes/super-admin.conf /run/detectviz-infra/*.json"
    assert cluster.on(name, f"for file in {files}; do test -e $file && echo $file; done; true") == ""


def test_the_log_of_a_pod_is_read_over_a_verified_connection(cluster: Cluster) -> None:
    """The kubelets' serving certificates are the cluster's: without one the API server gets no log."""
    pods = cluster.objects("--namespace", "kube-system", "pods", "--selector", "k8s-app=kube-dns")
    assert "CoreDNS" in cluster.kubectl("--namespace", "kube-system", "logs", pods[0]["metadata"]["name"])


@pytest.fixture(scope="module")
def second_run(cluster: Cluster) -> SecondRun:
    began = time.time()
    said = cluster.lab.run("bin/demo", "--yes")
    return SecondRun(said, {name: cluster.modules_since(name, began) for name in MACHINES})


def test_a_second_run_changes_nothing(second_run: SecondRun) -> None:
    assert set(changes(second_run.said).values()) == {0}


@pytest.mark.parametrize("name", MACHINES)
def test_a_second_run_executes_few_modules_on_a_node(second_run: SecondRun, name: str) -> None:
    executed = second_run.executed[name]
    # Both are seen: with the user's rights, and with root's.
    assert executed["guest_probe"] == 1
    assert executed["node_state"] > 1
    assert executed.total() <= MOST_EXECUTIONS, executed


def test_check_mode_on_a_finished_site_finds_nothing_to_do(cluster: Cluster) -> None:
    assert set(changes(cluster.play("site.yml", "--check", "--diff")).values()) == {0}


def test_the_api_goes_on_when_the_holder_of_the_virtual_address_is_lost(cluster: Cluster) -> None:
    lost = cluster.holder()
    cluster.power(lost, "stop")
    took = eventually(f"the API answers without {lost}", cluster.answers, SEEN_SECONDS)
    print(f"the API answered through its address {took:.1f} s after {lost} was lost")
    cluster.write("written-meanwhile")
    eventually(f"another holder than {lost}", lambda: cluster.holder() != lost, SEEN_SECONDS)


def test_running_again_brings_the_lost_master_back(cluster: Cluster) -> None:
    cluster.play("site.yml")
    assert cluster.missed() == []
    cluster.kubectl("delete", "configmap", "written-meanwhile")
