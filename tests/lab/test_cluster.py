"""A real cluster in a lab: brought up, run again, and one of its masters lost. One cluster serves all tests here."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import LAB_NAME, LabCommand

RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)
MASTERS = ("master-1", "master-2", "master-3")
NODES = (*MASTERS, "app-worker")
PATIENCE = 300
"""Seconds; far more than needed, as other things may run on the machine."""


@pytest.fixture(scope="module")
def cluster(machine: Path) -> Iterator[LabCommand]:
    """A lab with the documented site, and site.yml run once."""
    lab = LabCommand(machine, f"{LAB_NAME}-cluster")
    try:
        lab("up", "--yes", "--site", "inventory/detectviz")
        changes(lab("exec", "--", "ansible-playbook", "site.yml"))
        yield lab
    finally:
        lab("down", code=None)


def changes(said: str) -> dict[str, int]:
    """Changed tasks per host; a host that failed or was not reached is an error of its own."""
    recap = RECAP.findall(said)
    assert recap, said
    assert {(unreachable, failed) for _host, _changed, unreachable, failed in recap} == {("0", "0")}, said
    return {host: int(changed) for host, changed, _unreachable, _failed in recap}


def kubectl(lab: LabCommand, *words: str) -> Any:
    """The answer of the API through the VIP, as JSON."""
    return json.loads(lab("exec", "--", "kubectl", "--request-timeout=20s", *words, "-o", "json"))


def eventually(what: str, check: Callable[[], bool]) -> None:
    """Polls; what fails on the way is part of what is waited for."""
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            if check():
                return
        except (AssertionError, ValueError, subprocess.SubprocessError) as error:
            last = str(error)
        else:
            last = "not yet"
        assert time.monotonic() < limit, f"{what} after {PATIENCE} s: {last[-500:]}"
        time.sleep(1)


def ready(lab: LabCommand) -> set[str]:
    return {
        node["metadata"]["name"]
        for node in kubectl(lab, "get", "nodes")["items"]
        if any(item["type"] == "Ready" and item["status"] == "True" for item in node["status"]["conditions"])
    }


def holder(lab: LabCommand) -> str:
    return str(kubectl(lab, "-n", "kube-system", "get", "lease", "plndr-cp-lock")["spec"]["holderIdentity"])


def on(lab: LabCommand, address: str, *command: str) -> str:
    """A command on a node over SSH with the pinned host key."""
    known = lab.folder / ".state/detectviz/known_hosts"
    return lab(
        "exec", "--", "ssh", "-q", "-i", str(lab.folder / "id_ed25519"), "-o", f"UserKnownHostsFile={known}",
        f"ubuntu@{address}", "sudo", *command,
    )  # fmt: skip


def address_of(name: str) -> str:
    return f"192.168.0.{11 + NODES.index(name)}"


def test_all_nodes_are_ready_with_their_addresses_of_the_clusters_network(cluster: LabCommand) -> None:
    addresses = {
        node["metadata"]["name"]: [
            item["address"] for item in node["status"]["addresses"] if item["type"] == "InternalIP"
        ]
        for node in kubectl(cluster, "get", "nodes")["items"]
    }
    assert addresses == {name: [f"10.0.0.{11 + number}"] for number, name in enumerate(NODES)}
    assert ready(cluster) == set(NODES)


def test_labels_and_taints_are_the_tables(cluster: LabCommand) -> None:
    nodes = {node["metadata"]["name"]: node for node in kubectl(cluster, "get", "nodes")["items"]}
    assert nodes["app-worker"]["metadata"]["labels"]["node-role.kubernetes.io/workload-apps"] == "true"
    assert {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes.values()} == {"proxmox"}
    taints = {name: [taint["key"] for taint in node["spec"].get("taints", [])] for name, node in nodes.items()}
    assert taints == {name: ["node-role.kubernetes.io/control-plane"] if name in MASTERS else [] for name in NODES}


def test_a_second_run_changes_nothing(cluster: LabCommand) -> None:
    said = cluster("exec", "--", "ansible-playbook", "site.yml")
    assert set(changes(said).values()) == {0}, said


def test_a_check_run_of_a_whole_cluster_finds_nothing_to_do(cluster: LabCommand) -> None:
    said = cluster("exec", "--", "ansible-playbook", "site.yml", "--tags", "p2", "--check")
    assert set(changes(said).values()) == {0}, said


def test_a_secret_lies_encrypted_in_etcd(cluster: LabCommand) -> None:
    word = "readable-by-nobody"
    cluster("exec", "--", "kubectl", "create", "secret", "generic", "hidden", f"--from-literal=key={word}")
    on(cluster, address_of("master-1"), "sync")
    found = on(cluster, address_of("master-1"), "sh", "-c", f"'grep -rlc {word} /var/lib/etcd/member || true'")
    assert found.strip() == ""
    stored = on(
        cluster, address_of("master-1"), "sh", "-c", "'grep -rl k8s:enc:secretbox /var/lib/etcd/member || true'"
    )
    assert "/var/lib/etcd" in stored


def test_the_key_to_everything_is_gone(cluster: LabCommand) -> None:
    for name in MASTERS:
        left = on(
            cluster,
            address_of(name),
            "sh",
            "-c",
            "'ls /etc/kubernetes/super-admin.conf /run/detectviz-infra/*.json; true'",
        )
        assert left.strip() == "", name


def test_the_log_of_a_pod_is_read_over_a_verified_connection(cluster: LabCommand) -> None:
    """The kubelets' serving certificates are the cluster's: without one the API server gets no log."""
    pods = kubectl(cluster, "-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns")["items"]
    name = pods[0]["metadata"]["name"]
    assert "CoreDNS" in cluster("exec", "--", "kubectl", "-n", "kube-system", "logs", name)


def test_the_loss_of_the_master_that_holds_the_vip_is_survived(cluster: LabCommand) -> None:
    lost = holder(cluster)
    number = 111 + NODES.index(lost)
    script = (
        'curl -sS --fail --cacert "$PROXMOX_CA_PATH" -X POST '
        '-H "Authorization: PVEAPIToken=$PROXMOX_USER!$PROXMOX_TOKEN_ID=$PROXMOX_TOKEN_SECRET" '
        f'"https://$PROXMOX_HOST:8006/api2/json/nodes/proxmox/qemu/{number}/status/%s"'
    )
    cluster("exec", "--", "sh", "-c", script % "stop")
    eventually("another master holds the VIP", lambda: holder(cluster) not in ("", lost))
    cluster("exec", "--", "kubectl", "create", "configmap", "written-while-one-is-lost")
    cluster("exec", "--", "sh", "-c", script % "start")
    eventually("all nodes are ready again", lambda: ready(cluster) == set(NODES))
    said = cluster("exec", "--", "ansible-playbook", "site.yml", "--tags", "p2")
    assert sum(changes(said).values()) == 0, said
