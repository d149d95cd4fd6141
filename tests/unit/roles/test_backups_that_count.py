# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup that was not verified is none: what the roles leave on the control machine, and what acceptance counts."""

from __future__ import annotations

import datetime
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import write_archive

from tests.unit.plays import run

ROLES = Path(__file__).parents[3] / "roles"
OLD, NEW = "example-20260101T000000Z.etcd.cms", "example-20260102T000000Z.etcd.cms"


def play(folder: Path, tasks: list[dict[str, Any]], **variables: Any) -> tuple[int, str]:
    """Tasks on the control machine, which is the master too; nothing of them leaves a folder."""
    made, inventory = folder / "play.yml", folder / "hosts.yml"
    made.write_text(yaml.safe_dump([{"name": "Play", "hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "ansible_become": False, **variables}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": host, "master": host}}}), encoding="utf-8")
    return run(folder, inventory, made)


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
def test_only_a_backup_that_can_be_read_gets_its_name(tmp_path: Path, damaged: bool) -> None:
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", "-", "-out", "-"]
    key, kept, archive = tmp_path / "key.pem", tmp_path / "etcd", tmp_path / "node" / NEW
    key.write_bytes(subprocess.run(request, check=True, capture_output=True).stdout)
    archive.parent.mkdir()
    write_archive(archive, key.read_text(), {"etcd": {"keys": 1, "revision": 7}}, {"snapshot.db": b"what etcd held"})
    if damaged:
        archive.write_bytes(archive.read_bytes()[:-5])
    kept.mkdir()
    for name in (OLD, f"{OLD}.json"):
        (kept / name).touch()
    # What makes the backup needs a master; what comes after it does not.
    tasks = yaml.safe_load((ROLES / "etcd_backup/tasks/main.yml").read_text(encoding="utf-8"))
    code, said = play(
        tmp_path, [task for task in tasks if "block" in task],
        __etcd_backup_made={"backup": {"path": str(archive), "sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}},
        etcd_backup_from="master", etcd_backup_folder=str(kept), etcd_backup_key_file=str(key), etcd_backup_site="example",
        etcd_backup_keep=1, etcd_backup_keep_days=0,
    )  # fmt: skip
    assert code == (2 if damaged else 0), said
    left = OLD if damaged else NEW
    assert sorted(path.name for path in kept.iterdir()) == [left, f"{left}.json"], said
    assert not archive.exists(), said


@pytest.mark.parametrize(
    ("names", "counts"),
    [([OLD, f"{OLD}.json", NEW], OLD), ([OLD, f"{OLD}.json", NEW, f"{NEW}.json"], NEW), ([NEW, f"{OLD}.json"], None)],
    ids=["the newest was not verified", "both were", "none was"],
)
def test_acceptance_counts_backups_that_were_verified(tmp_path: Path, names: list[str], counts: str | None) -> None:
    for name in names:
        (tmp_path / name).touch()
    # What is found is shown as it is compared; the rest of the role needs a cluster.
    tasks = yaml.safe_load((ROLES / "cluster_report/tasks/main.yml").read_text(encoding="utf-8"))
    compared = next(task for task in tasks if "cluster_report_result" in task.get("ansible.builtin.set_fact", {}))
    shown = {"content": "{{ __seen.backup | to_json }}", "dest": str(tmp_path / "shown"), "mode": "0600"}
    code, said = play(
        tmp_path,
        [*(task for task in tasks if "ansible.builtin.find" in task),
         {"name": "What is compared", "ansible.builtin.copy": shown, "vars": compared["vars"]}],
        site_name="example", cluster_report_backups=str(tmp_path), cluster_report_kubeconfig=str(tmp_path / "kubeconfig"),
        cluster_report_seen={},
    )  # fmt: skip
    assert code == 0, said
    time = datetime.datetime.strptime(counts.split("-")[1], "%Y%m%dT%H%M%SZ.etcd.cms") if counts else None
    wanted = time.replace(tzinfo=datetime.timezone.utc).timestamp() if time else None
    assert json.loads((tmp_path / "shown").read_text(encoding="utf-8")) == wanted
