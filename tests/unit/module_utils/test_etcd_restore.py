# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup that must not be put back is refused before anything of the node is touched."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _etcd_restore as etcd
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as observed
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import PKI_FILES, write_archive
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.modules import etcd_restore

from tests.unit.fake_clock import FakeClock
from tests.unit.plays import ROOT, tasks_of


def certificate(folder: Path, name: str) -> str:
    """Key and certificate, made by OpenSSL."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", "-", "-out", "-"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


CONTENTS = {"etcd": {"revision": 7, "hash": 42}}
FOLDER = "/srv/containerd"
KUBEADMS, BACKUPS = "registry.k8s.io/etcd:3.6.8-0", "registry.k8s.io/etcd:3.6.5-0"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node's files in a folder of their own."""
    for module in (etcd, observed):
        monkeypatch.setattr(module, "PKI", tmp_path / "pki")
        monkeypatch.setattr(module, "ETCD_DATA", tmp_path / "etcd/member")
        monkeypatch.setattr(module, "KUBERNETES", tmp_path, raising=False)
    monkeypatch.setattr(observed, "UNFINISHED", tmp_path / "unfinished.json")
    monkeypatch.setattr(etcd, "FILES_DIR", str(tmp_path / "apiserver"))
    monkeypatch.setattr(etcd, "STATE", tmp_path / "state")
    monkeypatch.setattr(etcd, "WORK", tmp_path / "restore")
    monkeypatch.setattr(etcd, "DATA", tmp_path / "restore/data")
    monkeypatch.setattr(node, "RUN_DIR", tmp_path / "run")
    (tmp_path / "pki").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "etcd/member").mkdir(parents=True)
    (tmp_path / "etcd/member/db").write_text("former")
    return tmp_path


def prepare(machine: Path, key: str, identity: bool) -> None:
    prepared_by(lambda _command: (127, ""), machine, key, identity)


def prepared_by(run: node.Run, machine: Path, key: str, identity: bool) -> None:
    etcd.prepare(run, machine / "archive", key, "n1", {"n1": "192.0.2.11"}, "t", identity, FOLDER)


class Containerd:
    """ctr of a node, as far as images of etcd go, and etcdutl in one that is there."""

    def __init__(self, present: str, registry: str) -> None:
        self.present, self.registry = {present}, registry

    def __call__(self, command: list[str]) -> tuple[int, str]:
        if command[0] == "kubeadm":
            return 0, f"{KUBEADMS}\n"
        if "list" in command:
            return 0, "\n".join(self.present)
        if "pull" in command:
            if command[-1] != self.registry or command[command.index("--hosts-dir") + 1] != f"{FOLDER}/certs.d":
                return 1, f"ctr: failed to resolve reference {command[-1]}: not found"
            self.present.add(command[-1])
            return 0, "done"
        utility = command.index("etcdutl")
        if command[utility - 2] not in self.present:
            return 1, f"ctr: image {command[utility - 2]}: not found"
        if command[utility + 2] == "status":
            return 0, json.dumps({"hash": 42, "revision": 7, "totalKey": 1})
        (Path(command[command.index("--data-dir") + 1]) / "member").mkdir(parents=True)
        return 0, ""


def prepared(machine: Path) -> None:
    """As the module leaves it when the backup was read."""
    (machine / "restore/data/member").mkdir(parents=True)
    (machine / "restore/data/member/db").write_text("restored")
    for name in PKI_FILES:
        (machine / "restore/pki" / name).parent.mkdir(parents=True, exist_ok=True)
        (machine / "restore/pki" / name).write_text(name)


def data(machine: Path) -> str:
    return (machine / "etcd/member/db").read_text()


def test_the_backup_of_another_cluster_is_refused(machine: Path) -> None:
    key = certificate(machine, "key")
    (machine / "pki/ca.crt").write_text(certificate(machine, "own"))
    write_archive(machine / "archive", key, CONTENTS, {"pki/ca.crt": certificate(machine, "other").encode()})
    with pytest.raises(InfraError, match="of another cluster"):
        prepare(machine, key, identity=False)
    assert data(machine) == "former" and not (machine / "restore").exists()
    assert list((machine / "run").iterdir()) == []


def test_an_identity_is_never_written_over_another(machine: Path) -> None:
    key = certificate(machine, "key")
    write_archive(machine / "archive", key, CONTENTS, {})
    with pytest.raises(InfraError, match="not written over"):
        prepare(machine, key, identity=True)
    assert data(machine) == "former"


def test_the_backups_image_of_etcd_is_fetched_through_mirrors_on_a_machine_made_anew(machine: Path) -> None:
    shutil.rmtree(machine / "etcd")
    key = certificate(machine, "key")
    contents = {"etcd_image": BACKUPS, "etcd": {"revision": 7, "hash": "0000002a"}}
    write_archive(machine / "archive", key, contents, {"snapshot.db": b"snapshot"})
    for registry in (BACKUPS, "nothing, as it is there already"):
        node_of_today = Containerd(KUBEADMS if registry == BACKUPS else BACKUPS, registry)
        prepared_by(node_of_today, machine, key, True)
        assert (machine / "restore/data/member").is_dir()
    with pytest.raises(InfraError, match=rf"{BACKUPS}, .*not found.*registry_mirrors"):
        prepared_by(Containerd(KUBEADMS, KUBEADMS), machine, key, True)
    assert not (machine / "restore").exists()


def test_mirrors_are_looked_for_where_the_role_writes_them() -> None:
    role = tasks_of("roles/containerd/defaults/main.yml")["containerd_folder"]
    assert etcd_restore.ARGUMENT_SPEC["containerd_folder"]["default"] == role
    preparing = (ROOT / "playbooks/restore.yml").read_text(encoding="utf-8").partition("state: prepared")[2].partition("- name:")[0]
    assert 'containerd_folder: "{{ containerd_folder | default(omit) }}"' in preparing


def test_nothing_is_put_back_that_was_not_prepared(machine: Path) -> None:
    with pytest.raises(InfraError, match="nothing was prepared"):
        etcd.put_back(False, etcd.of_backup(CONTENTS), "now")
    assert data(machine) == "former"


def test_former_data_is_moved_aside(machine: Path) -> None:
    prepared(machine)
    assert etcd.put_back(False, etcd.of_backup(CONTENTS), "now")
    assert data(machine) == "restored"
    etcd.keep_former()
    assert (machine / "state/etcd-before-now/db").read_text() == "former"
    assert [path.name for path in (machine / "etcd").iterdir()] == ["member"]


def test_without_room_for_the_data_the_former_stays(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_source: str, _target: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    prepared(machine)
    monkeypatch.setattr(etcd.shutil, "move", full)
    with pytest.raises(OSError, match="No space"):
        etcd.put_back(False, etcd.of_backup(CONTENTS), "now")
    assert data(machine) == "former"


def test_an_identity_that_came_back_before_the_run_ended_is_gone_on_with(machine: Path) -> None:
    shutil.rmtree(machine / "etcd")
    prepared(machine)
    assert etcd.put_back(True, etcd.of_backup(CONTENTS), "now")
    assert observed.unfinished() == "init" and (machine / "pki/etcd/ca.key").read_text() == "etcd/ca.key"
    (machine / "etcd/member/db").write_text("etcd runs on it")
    prepared(machine)
    assert not etcd.put_back(True, etcd.of_backup(CONTENTS), "later")
    assert data(machine) == "etcd runs on it"


def test_a_run_that_ended_between_identity_and_data_is_gone_on_with(machine: Path) -> None:
    shutil.rmtree(machine / "etcd")
    node.begin("init", restored=etcd.of_backup(CONTENTS))
    (machine / "pki/ca.crt").write_text("of the backup")
    prepared(machine)
    assert etcd.put_back(True, etcd.of_backup(CONTENTS), "now")
    assert data(machine) == "restored" and (machine / "pki/ca.crt").read_text() == "ca.crt"


def test_the_kubelet_begins_anew_with_manifests_in_place_as_pods_that_often_failed_would_wait(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    for folder in ("MANIFESTS", "STOPPED"):
        monkeypatch.setattr(etcd, folder, machine / folder)
    etcd.MANIFESTS.mkdir()
    etcd.STOPPED.mkdir()
    for pod in etcd.PODS:
        (etcd.STOPPED / f"{pod}.yaml").write_text("a: b")

    def run(command: list[str]) -> tuple[int, str]:
        assert command == ["systemctl", "restart", "kubelet"]
        started.append(sorted(path.stem for path in etcd.MANIFESTS.iterdir()))
        return 0, ""

    monkeypatch.setattr(node, "ready", lambda _address: bool(started))
    assert etcd.start(run, FakeClock(), "192.0.2.11", 30)
    assert started == [["etcd", "kube-apiserver"]] and not etcd.STOPPED.exists()
    assert not etcd.start(run, FakeClock(), "192.0.2.11", 30)
    assert len(started) == 1
