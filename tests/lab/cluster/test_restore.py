"""Data and masters of the demo's cluster are lost and come back: backup, restore, replacement."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cluster.cluster import MASTERS, Cluster, eventually, told
from tests.lab.conftest import CHECKOUT
from tests.lab.test_site import MACHINES

pytestmark = pytest.mark.timeout(2700)


CONFIRMED = {"reset_confirm": "detectviz"}
MAKE_ARCHIVE = """
import json, pathlib, sys
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import write_archive
path, certificate, contents = sys.argv[1:]
write_archive(pathlib.Path(path), certificate, json.loads(contents), {"pki/ca.crt": certificate.encode()})
"""


def test_a_backup_is_made_read_again_and_described(cluster: Cluster) -> None:
    cluster.write("before")
    cluster.play("playbooks/backup.yml")
    newest = cluster.backups()[-1]
    about: dict[str, Any] = json.loads(Path(f"{newest}.json").read_text())
    assert about["etcd"]["keys"] > 100
    assert {"snapshot.db", "pki/ca.key", "pki/sa.key", "pki/etcd/ca.key", "pki/front-proxy-ca.key",
            "apiserver/encryption.json", "kubeadm/ClusterConfiguration.yaml"} <= set(about["files"])  # fmt: skip
    folders = [newest.parent, cluster.state / "secrets"]
    assert {path.stat().st_mode & 0o077 for folder in folders for path in [folder, *folder.iterdir()]} == {0}
    left = cluster.on("master-1", "find /var/backups/detectviz-infra /var/lib/detectviz-infra -type f")
    assert "snapshot" not in left and ".cms" not in left


def test_a_restore_without_its_word_or_of_a_damaged_file_touches_nothing(cluster: Cluster) -> None:
    cluster.refused("playbooks/restore.yml")
    cluster.refused("playbooks/restore.yml", "-e", "restore_hosts=all")
    damaged = cluster.lab.folder / "damaged.etcd.cms"
    damaged.write_bytes(cluster.backups()[-1].read_bytes()[:-100])
    said = cluster.refused("playbooks/restore.yml", "-e", "restore_hosts=all", "-e", f"restore={damaged}")
    assert "damaged" in said
    said = cluster.refused("playbooks/restore.yml", "-e", "restore_hosts=all", "-e", f"restore={of_another(cluster)}")
    assert "another cluster than that on master-1, master-2, master-3" in told(said)
    assert "before" in cluster.written()


def of_another(cluster: Cluster) -> Path:
    """A whole backup, for this site's key, of a cluster with another CA."""
    path = cluster.lab.folder / "another.etcd.cms"
    certificate = (cluster.state / "secrets/etcd-backup.pem").read_text()
    contents = {"site": "detectviz", "node": "n", "taken": "t", "etcd": {"keys": 1, "revision": 1, "hash": 1}}
    subprocess.run([sys.executable, "-c", MAKE_ARCHIVE, str(path), certificate, json.dumps(contents)],
                   cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": str(CHECKOUT / ".collections")}, check=True)  # fmt: skip
    return path


def test_etcds_data_lost_on_all_masters_comes_back_as_it_was(cluster: Cluster) -> None:
    cluster.write("after")
    cluster.lose_data(*MASTERS)
    cluster.play("playbooks/restore.yml", "-e", "restore_hosts=all", "-e", f"restore={cluster.backups()[-1].name}")
    cluster.becomes_whole()
    assert cluster.written() == {"before"}
    cluster.write("restored")


def test_the_first_master_is_replaced_with_its_guest(cluster: Cluster) -> None:
    newest = cluster.backups()[-1]
    key = cluster.on("master-1", "cat /etc/ssh/ssh_host_ed25519_key.pub")
    cluster.play("playbooks/replace_node.yml", "-e", "replace=master-1", "-e", "replace_guest=master-1")
    cluster.becomes_whole()
    assert cluster.on("master-1", "cat /etc/ssh/ssh_host_ed25519_key.pub") != key
    assert cluster.written() == {"before", "restored"}
    assert cluster.backups()[-1] > newest


@pytest.mark.long
def test_etcds_data_lost_on_one_master_comes_from_the_others(cluster: Cluster) -> None:
    cluster.lose_data("master-3")
    cluster.play("playbooks/restore.yml", "-e", "restore_hosts=master-3")
    cluster.becomes_whole()
    assert cluster.written() == {"before", "restored"}


@pytest.mark.long
def test_all_masters_destroyed_come_back_as_the_same_cluster(cluster: Cluster) -> None:
    old = cluster.lab.folder / "old-kubeconfig"
    old.write_bytes((cluster.state / "kubeconfig").read_bytes())
    one_by_one = cluster.refused("playbooks/reset.yml", "-e", json.dumps({"reset_guests": list(MASTERS[:2]), **CONFIRMED}))
    assert "3 members, and only 1 of them would stay and answer" in told(one_by_one)
    newest = cluster.backups()[-1]
    cluster.play("playbooks/reset.yml", "-e", json.dumps({"reset_guests": list(MASTERS), **CONFIRMED}))
    assert cluster.backups()[-1] > newest
    # A guest of the lab with many pods may answer for a while after it is gone, and P1 takes no address that answers.
    eventually("the machines are made again", lambda: bool(cluster.play("playbooks/p1_machines.yml")))
    restore = ("playbooks/restore.yml", "-e", "restore_hosts=all", "-e", f"restore={cluster.backups()[-1].name}")
    with cluster.background(*restore) as run:
        run.until("kubeadm makes the cluster again", lambda: cluster.holds("master-1", "pgrep -x kubeadm"))
        run.kill()
    cluster.play(*restore)
    cluster.becomes_whole()
    assert cluster.written() == {"before", "restored"}
    said = cluster.kubectl(f"--kubeconfig={old}", "get", "nodes", "--output", "name")
    assert set(said.split()) == {f"node/{name}" for name in MACHINES}
