"""The demo on real guests: from nothing to a verified cluster, a second run, the loss of a master, and away again.

The tests of this file are one story, told in order: each starts where the one before has left the lab.
"""

from __future__ import annotations

import json
import shlex
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.conftest import LAB_NAME, LabCommand
from tests.lab.test_safety import differences, picture
from tests.lab.test_site import IDS, MACHINES, changes, guests, play

# The guests share the machine's processors with the tests; none of these limits is what is measured.
pytestmark = pytest.mark.timeout(2700)
NODE_API = "https://$PROXMOX_HOST:8006/api2/json/nodes/proxmox/qemu"
MASTERS = [name for name in MACHINES if name.startswith("master")]
SEEN_SECONDS = 120


@pytest.fixture(scope="module")
def machine_before() -> dict[str, Any]:
    return picture()


@pytest.fixture(scope="module")
def demo(machine: Path, machine_before: dict[str, Any]) -> Iterator[LabCommand]:
    lab = LabCommand(machine, f"{LAB_NAME}-demo", seconds=2400)
    yield lab
    lab("down", code=None)


@pytest.fixture(scope="module")
def first_run(demo: LabCommand) -> str:
    """What the first `bin/demo` said."""
    return demo.run("bin/demo", "--yes")


def kubectl(lab: LabCommand, *words: str, code: int | None = 0) -> str:
    return lab("exec", "--", "kubectl", "--request-timeout=10s", *words, code=code)


def objects(lab: LabCommand, *words: str) -> list[dict[str, Any]]:
    listed = json.loads(kubectl(lab, "get", *words, "--output", "json"))
    return list(listed["items"]) if "items" in listed else [listed]


def report(lab: LabCommand) -> list[dict[str, Any]]:
    return list(json.loads((lab.folder / ".state/detectviz/reports/cluster.json").read_text()))


def missed(lab: LabCommand) -> list[dict[str, Any]]:
    return [row for row in report(lab) if row["verdict"] not in ("ok", "not verified here")]


def holder(lab: LabCommand) -> str:
    """Name of the node that has the virtual address, as the lease tells."""
    return str(objects(lab, "--namespace", "kube-system", "lease", "plndr-cp-lock")[0]["spec"]["holderIdentity"])


def on(lab: LabCommand, name: str, script: str) -> str:
    """What a shell script prints as root on a machine, over SSH with the pinned host key."""
    return lab(
        "exec", "--", "ssh", "-q", "-i", str(lab.folder / "id_ed25519"), "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={lab.folder / '.state/detectviz/known_hosts'}",
        f"ubuntu@{MACHINES[name][0]}", f"sudo sh -c {shlex.quote(script)}",
    ).strip()  # fmt: skip


def power(lab: LabCommand, vm_id: int, action: str) -> None:
    """Switch a guest on or off as a user does at Proxmox, with nothing of ours."""
    lab(
        "exec", "--", "sh", "-c",
        'curl -sS --fail -X POST --cacert "$PROXMOX_CA_PATH" '
        '-H "Authorization: PVEAPIToken=$PROXMOX_USER!$PROXMOX_TOKEN_ID=$PROXMOX_TOKEN_SECRET" '
        f'"{NODE_API}/{vm_id}/status/{action}"',
    )  # fmt: skip


def test_the_demo_ends_with_a_verified_cluster(demo: LabCommand, first_run: str) -> None:
    assert changes(first_run)["master-1"] > 0
    assert guests(demo) == IDS
    assert missed(demo) == []
    assert {row["guest"] for row in report(demo)} >= {*MACHINES, "cluster"}


def test_every_node_is_ready_on_the_network_of_the_cluster(demo: LabCommand, first_run: str) -> None:
    nodes = {node["metadata"]["name"]: node for node in objects(demo, "nodes")}
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


def test_three_etcd_members_and_a_kube_vip_each(demo: LabCommand, first_run: str) -> None:
    pods = [pod["metadata"]["name"] for pod in objects(demo, "--namespace", "kube-system", "pods")]
    for part in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-vip"):
        assert sorted(name for name in pods if name.startswith(f"{part}-")) == [
            f"{part}-{name}" for name in MASTERS
        ]


def test_the_kubeconfig_leads_to_the_virtual_address_and_is_its_owners_alone(demo: LabCommand, first_run: str) -> None:
    path = demo.folder / ".state/detectviz/kubeconfig"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    servers = [entry["cluster"]["server"] for entry in yaml.safe_load(path.read_text())["clusters"]]
    assert [server.rpartition(":")[2] for server in servers] == ["6443"]
    assert "192.168.0.10:" in servers[0] or "k8s-api.detectviz.internal:" in servers[0]


def test_labels_and_taints_are_the_tables(demo: LabCommand, first_run: str) -> None:
    nodes = {node["metadata"]["name"]: node for node in objects(demo, "nodes")}
    assert nodes["app-worker"]["metadata"]["labels"]["node-role.kubernetes.io/workload-apps"] == "true"
    assert {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes.values()} == {"proxmox"}
    taints = {name: [taint["key"] for taint in node["spec"].get("taints", [])] for name, node in nodes.items()}
    assert taints == {name: ["node-role.kubernetes.io/control-plane"] if name in MASTERS else [] for name in MACHINES}


def test_a_secret_lies_encrypted_in_etcd(demo: LabCommand, first_run: str) -> None:
    word = "readable-by-nobody"
    kubectl(demo, "create", "secret", "generic", "hidden", f"--from-literal=key={word}")
    assert on(demo, "master-1", f"sync; grep -rlc {word} /var/lib/etcd/member || true") == ""
    assert "/var/lib/etcd" in on(demo, "master-1", "grep -rl k8s:enc:secretbox /var/lib/etcd/member || true")
    kubectl(demo, "delete", "secret", "hidden")


@pytest.mark.parametrize("name", MASTERS)
def test_the_key_to_everything_is_gone(demo: LabCommand, first_run: str, name: str) -> None:
    files = "/etc/kubernetes/super-admin.conf /run/detectviz-infra/*.json"
    assert on(demo, name, f"for file in {files}; do test -e $file && echo $file; done; true") == ""


def test_the_log_of_a_pod_is_read_over_a_verified_connection(demo: LabCommand, first_run: str) -> None:
    """The kubelets' serving certificates are the cluster's: without one the API server gets no log."""
    pods = objects(demo, "--namespace", "kube-system", "pods", "--selector", "k8s-app=kube-dns")
    assert "CoreDNS" in kubectl(demo, "--namespace", "kube-system", "logs", pods[0]["metadata"]["name"])


def test_a_second_run_changes_nothing(demo: LabCommand, first_run: str) -> None:
    assert set(changes(demo.run("bin/demo", "--yes")).values()) == {0}


def test_check_mode_on_a_finished_site_finds_nothing_to_do(demo: LabCommand, first_run: str) -> None:
    assert set(changes(play(demo, "site.yml", "--check", "--diff")).values()) == {0}


def test_the_api_goes_on_when_the_holder_of_the_virtual_address_is_lost(demo: LabCommand, first_run: str) -> None:
    lost = holder(demo)
    power(demo, IDS[list(MACHINES).index(lost)], "stop")
    began = time.monotonic()
    while not kubectl(demo, "get", "--raw", "/readyz", code=None).endswith("ok"):
        assert time.monotonic() - began < SEEN_SECONDS, f"the API is gone with {lost}"
    print(f"the API answered through its address {time.monotonic() - began:.1f} s after {lost} was lost")
    kubectl(demo, "create", "configmap", "written-meanwhile", "--from-literal", f"lost={lost}")
    while holder(demo) == lost:
        assert time.monotonic() - began < SEEN_SECONDS, f"{lost} is gone and still the holder"
        time.sleep(0.5)


def test_running_again_brings_the_lost_master_back(demo: LabCommand, first_run: str) -> None:
    play(demo, "site.yml")
    assert missed(demo) == []
    kubectl(demo, "delete", "configmap", "written-meanwhile")


def test_after_all_this_the_machine_is_as_it_was(
    demo: LabCommand, machine_before: dict[str, Any], first_run: str
) -> None:
    demo.run("bin/demo", "--down")
    assert differences(machine_before, picture()) == {}
    assert not demo.folder.exists()
