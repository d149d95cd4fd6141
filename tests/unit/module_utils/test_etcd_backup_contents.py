# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backup takes along of a master's files, and when it would be of no use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import module_stub
import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import PKI_FILES
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.modules import etcd_backup as backup
from ansible_collections.detectviz.infra.plugins.modules.etcd_backup_key import new_pem

OPTION = "--encryption-provider-config"
MANIFEST = """
spec:
  containers:
  - command:
    - kube-apiserver
    - {}
    - --etcd-servers=https://127.0.0.1:2379
"""


class Api:
    """An API server that has kubeadm's configuration."""

    def get(self, _path: str) -> dict[str, Any]:
        return {"data": {"ClusterConfiguration": "kind: ClusterConfiguration"}}


@pytest.fixture
def master(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A master's files in a folder of their own."""
    monkeypatch.setattr(backup, "PKI", tmp_path / "pki")
    monkeypatch.setattr(backup, "MANIFESTS", tmp_path)
    monkeypatch.setattr(backup, "FILES_DIR", str(tmp_path / "files"))
    monkeypatch.setattr(backup, "ENCRYPTION_FILE", str(tmp_path / "files/encryption.json"))
    for name in [*(f"pki/{name}" for name in PKI_FILES), "files/encryption.json", "files/audit.json"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "kube-apiserver.yaml").write_text(MANIFEST.format(f"{OPTION}={tmp_path}/files/encryption.json"))
    return tmp_path


def test_cas_keys_and_the_api_servers_own_files_are_taken_along(master: Path) -> None:
    assert set(backup.cluster_files()) == {
        *(f"pki/{name}" for name in PKI_FILES), "apiserver/audit.json", "apiserver/encryption.json",
    }  # fmt: skip


def test_all_that_is_missing_is_named_at_once(master: Path) -> None:
    (master / "pki/ca.key").unlink()
    (master / "pki/sa.key").unlink()
    with pytest.raises(ProblemsError, match=r"(?s)pki/ca\.key.*pki/sa\.key"):
        backup.cluster_files()


@pytest.mark.parametrize("argument", [f"{OPTION}=/etc/enc.yaml", f'"{OPTION}=/etc/enc.yaml"', f'{OPTION}="/etc/enc.yaml"'])
def test_secrets_encrypted_by_a_file_that_a_backup_does_not_hold_are_told(master: Path, argument: str) -> None:
    (master / "kube-apiserver.yaml").write_text(MANIFEST.format(argument))
    with pytest.raises(InfraError, match="from /etc/enc.yaml, which a backup does not hold"):
        backup.cluster_files()


def test_archives_that_ended_runs_have_left_on_the_node_are_removed(master: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, key = master / "backups", master / "key.pem"
    folder.mkdir()
    key.write_text(new_pem("example"))
    left = "example-20260101T000000Z.etcd.cms"
    others = {"example-2-20260101T000000Z.etcd.cms", "example.etcd.cms", "notes.txt", "notes.txt.part"}
    for name in {left, f"{left}.part", *others}:
        (folder / name).touch()
    for name, found in (("save_snapshot", lambda *_: (master / "work/snapshot.db").touch()), ("etcd_image", lambda *_: "etcd:1"),
                        ("from_image", lambda *_: None), ("snapshot_status", lambda *_: {}), ("admin_api", lambda _: Api())):  # fmt: skip
        monkeypatch.setattr(backup, name, found)
    monkeypatch.setattr(backup, "WORK", master / "work")
    monkeypatch.setattr(node, "RUN_DIR", master / "run")
    monkeypatch.setattr(node, "LOCK", master / "run/lock")
    params = {"address": "192.0.2.11", "node": "n1", "site": "example", "certificate": key.read_text(), "folder": str(folder)}
    assert module_stub.run(backup, monkeypatch, check_mode=True, **params) == {"changed": True}
    assert (folder / left).exists()
    made = [Path(module_stub.run(backup, monkeypatch, **params)["backup"]["path"]).name for _time in range(2)]
    assert {path.name for path in folder.iterdir()} == {made[-1], *others}


def test_a_master_that_encrypts_nothing_is_backed_up(master: Path) -> None:
    (master / "kube-apiserver.yaml").write_text("spec: {}")
    assert backup.cluster_files()
