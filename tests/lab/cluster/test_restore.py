"""Data and masters of a real cluster are lost and come back: backup, restore, replacement. One story, told in order."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import LAB_NAME, LabCommand
from tests.lab.test_site import MACHINES, changes

# A cluster of its own and drills of minutes each.
pytestmark = [pytest.mark.timeout(2700), pytest.mark.long]
NODES = tuple(MACHINES)
MASTERS = NODES[:3]
PATIENCE = 300
"""Seconds; far more than needed, as other things may run on the machine."""


@pytest.fixture(scope="module")
def cluster(machine: Path) -> Iterator[LabCommand]:
    """A lab with the documented site, and site.yml run once."""
    lab = LabCommand(machine, f"{LAB_NAME}-restore", seconds=2400)
    try:
        lab("up", "--yes", "--site", "inventory/detectviz")
        play(lab, "site.yml")
        yield lab
    finally:
        lab("down", code=None)


def play(lab: LabCommand, playbook: str, *words: str) -> str:
    """What the run said; it must end well on every host."""
    said = lab("exec", "--", "ansible-playbook", playbook, *words)
    changes(said)
    return said


def kubectl(lab: LabCommand, *words: str) -> Any:
    """The answer of the API through the VIP, as JSON."""
    return json.loads(lab("exec", "--", "kubectl", "--request-timeout=20s", *words, "-o", "json"))


def eventually(what: str, check: Callable[[], bool]) -> None:
    """Polls; what fails on the way is part of what is waited for."""
    limit, last = time.monotonic() + PATIENCE, "not yet"
    while True:
        try:
            if check():
                return
        except (AssertionError, ValueError, subprocess.SubprocessError) as error:
            last = str(error)
        assert time.monotonic() < limit, f"{what} after {PATIENCE} s: {last[-500:]}"
        time.sleep(1)


def ready(lab: LabCommand) -> set[str]:
    return {
        node["metadata"]["name"]
        for node in kubectl(lab, "get", "nodes")["items"]
        if any(item["type"] == "Ready" and item["status"] == "True" for item in node["status"]["conditions"])
    }


def on(lab: LabCommand, address: str, *command: str) -> str:
    """A command as root on a node, over SSH with the pinned host key."""
    known = lab.folder / ".state/detectviz/known_hosts"
    return lab(
        "exec", "--", "ssh", "-q", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known}",
        "-i", str(lab.folder / "id_ed25519"), f"ubuntu@{address}", "sudo", *command,
    )  # fmt: skip


def address_of(name: str) -> str:
    return MACHINES[name][0]


def backups(lab: LabCommand) -> list[Path]:
    """Oldest first."""
    return sorted((lab.folder / ".state/detectviz/etcd").glob("*.etcd.cms"))


def write(lab: LabCommand, name: str) -> None:
    lab("exec", "--", "kubectl", "--request-timeout=20s", "create", "configmap", name)


def written(lab: LabCommand) -> set[str]:
    return {item["metadata"]["name"] for item in kubectl(lab, "get", "configmaps")["items"]} - {"kube-root-ca.crt"}


def voters(lab: LabCommand) -> set[str]:
    """Names of etcd's full members, asked of etcd itself on the second master."""
    script = (
        "curl -sS --fail --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/apiserver-etcd-client.crt "
        "--key /etc/kubernetes/pki/apiserver-etcd-client.key -d '{}' https://10.0.0.12:2379/v3/cluster/member/list"
    )
    members = json.loads(on(lab, address_of("master-2"), "sh", "-c", f'"{script}"'))["members"]
    return {member["name"] for member in members if not member.get("isLearner")}


def whole(lab: LabCommand) -> bool:
    return ready(lab) == set(NODES) and voters(lab) == set(MASTERS)


def lose_data(lab: LabCommand, name: str) -> None:
    on(lab, address_of(name), "rm", "-rf", "/var/lib/etcd/member")


def test_a_backup_is_made_read_again_and_described(cluster: LabCommand) -> None:
    write(cluster, "before")
    play(cluster, "playbooks/backup.yml")
    newest = backups(cluster)[-1]
    about: dict[str, Any] = json.loads(Path(f"{newest}.json").read_text())
    assert about["etcd"]["keys"] > 100
    assert {"snapshot.db", "pki/ca.key", "pki/sa.key", "pki/etcd/ca.key", "pki/front-proxy-ca.key",
            "apiserver/encryption.json", "kubeadm/ClusterConfiguration.yaml"} <= set(about["files"])  # fmt: skip
    folders = [newest.parent, cluster.folder / ".state/detectviz/secrets"]
    assert {path.stat().st_mode & 0o077 for folder in folders for path in [folder, *folder.iterdir()]} == {0}
    left = on(cluster, address_of("master-1"), "find", "/var/backups/detectviz-infra", "/var/lib/detectviz-infra", "-type", "f")
    assert "snapshot" not in left and ".cms" not in left


def test_a_restore_without_its_word_or_of_a_damaged_file_touches_nothing(cluster: LabCommand) -> None:
    cluster("exec", "--", "ansible-playbook", "playbooks/restore.yml", code=2)
    cluster("exec", "--", "ansible-playbook", "playbooks/restore.yml", "-e", "restore_hosts=all", code=2)
    damaged = cluster.folder / "damaged.etcd.cms"
    damaged.write_bytes(backups(cluster)[-1].read_bytes()[:-100])
    said = cluster("exec", "--", "ansible-playbook", "playbooks/restore.yml", "-e", "restore_hosts=all",
                   "-e", f"restore={damaged}", code=2)  # fmt: skip
    assert "damaged" in said
    assert "before" in written(cluster)


def test_etcds_data_lost_on_all_masters_comes_back_as_it_was(cluster: LabCommand) -> None:
    write(cluster, "after")
    for name in MASTERS:
        lose_data(cluster, name)
    play(cluster, "playbooks/restore.yml", "-e", "restore_hosts=all", "-e", f"restore={backups(cluster)[-1].name}")
    eventually("the cluster is whole", lambda: whole(cluster))
    assert written(cluster) == {"before"}
    write(cluster, "restored")


def test_the_first_master_is_replaced_with_its_guest(cluster: LabCommand) -> None:
    before = len(backups(cluster))
    key = on(cluster, address_of("master-1"), "cat", "/etc/ssh/ssh_host_ed25519_key.pub")
    play(cluster, "playbooks/replace_node.yml", "-e", "replace=master-1", "-e", "replace_guest=master-1")
    eventually("the cluster is whole", lambda: whole(cluster))
    assert on(cluster, address_of("master-1"), "cat", "/etc/ssh/ssh_host_ed25519_key.pub") != key
    assert written(cluster) == {"before", "restored"}
    assert len(backups(cluster)) > before


def test_etcds_data_lost_on_one_master_comes_from_the_others(cluster: LabCommand) -> None:
    lose_data(cluster, "master-3")
    on(cluster, address_of("master-3"), "pkill", "-KILL", "-x", "etcd")
    play(cluster, "playbooks/restore.yml", "-e", "restore_hosts=master-3")
    eventually("the cluster is whole", lambda: whole(cluster))
    assert written(cluster) == {"before", "restored"}


def test_all_masters_destroyed_come_back_as_the_same_cluster(cluster: LabCommand) -> None:
    play(cluster, "playbooks/backup.yml")
    old = cluster.folder / "old-kubeconfig"
    old.write_bytes((cluster.folder / ".state/detectviz/kubeconfig").read_bytes())
    guests = json.dumps({"reset_guests": list(MASTERS), "reset_confirm": "detectviz"})
    play(cluster, "playbooks/reset.yml", "-e", guests)
    # A guest of the lab with many pods may answer for a while after it is gone, and P1 takes no address that answers.
    eventually("the machines are made again", lambda: bool(play(cluster, "playbooks/p1_machines.yml")))
    play(cluster, "playbooks/restore.yml", "-e", "restore_hosts=all", "-e", f"restore={backups(cluster)[-1].name}")
    eventually("the cluster is whole", lambda: whole(cluster))
    assert written(cluster) == {"before", "restored"}
    said = cluster("exec", "--", "kubectl", f"--kubeconfig={old}", "--request-timeout=20s", "get", "nodes", "-o", "name")
    assert set(said.split()) == {f"node/{name}" for name in NODES}


def test_a_worker_is_removed_with_its_guest(cluster: LabCommand) -> None:
    play(cluster, "playbooks/remove_node.yml", "-e", "remove=app-worker", "-e", "remove_guest=app-worker")
    assert {node["metadata"]["name"] for node in kubectl(cluster, "get", "nodes")["items"]} == set(MASTERS)
    with pytest.raises((AssertionError, subprocess.TimeoutExpired)):
        on(cluster, address_of("app-worker"), "true")
