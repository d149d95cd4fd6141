# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup that must not be put back is refused before anything of the node is touched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _etcd_restore as etcd
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as observed
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import write_archive
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError


def certificate(folder: Path, name: str) -> str:
    """Key and certificate, made by OpenSSL."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", "-", "-out", "-"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node's files in a folder of their own."""
    for module in (etcd, observed):
        monkeypatch.setattr(module, "PKI", tmp_path / "pki")
        monkeypatch.setattr(module, "ETCD_DATA", tmp_path / "etcd/member")
        monkeypatch.setattr(module, "KUBERNETES", tmp_path)
    monkeypatch.setattr(etcd, "WORK", tmp_path / "restore")
    monkeypatch.setattr(node, "RUN_DIR", tmp_path / "run")
    (tmp_path / "pki").mkdir()
    (tmp_path / "etcd/member").mkdir(parents=True)
    return tmp_path


def restore(machine: Path, key: str, identity: bool) -> None:
    etcd.restore(lambda _command: (127, ""), machine / "archive", key, "n1", {"n1": "192.0.2.11"}, "t", identity, "now")


def test_the_backup_of_another_cluster_is_refused(machine: Path) -> None:
    key = certificate(machine, "key")
    (machine / "pki/ca.crt").write_text(certificate(machine, "own"))
    write_archive(machine / "archive", key, {}, {"pki/ca.crt": certificate(machine, "other").encode()})
    with pytest.raises(InfraError, match="of another cluster"):
        restore(machine, key, identity=False)
    assert (machine / "etcd/member").is_dir() and not (machine / "restore").exists()
    assert list((machine / "run").iterdir()) == []


def test_an_identity_is_never_written_over_another(machine: Path) -> None:
    with pytest.raises(InfraError, match="not written over"):
        restore(machine, "", identity=True)
    assert (machine / "etcd/member").is_dir()
