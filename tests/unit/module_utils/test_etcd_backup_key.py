# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of a site's backups: what of its file may be shown."""

from __future__ import annotations

from pathlib import Path

import module_stub
import pytest
from ansible_collections.detectviz.infra.plugins.modules import etcd_backup_key as key

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
PRIVATE = "-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n"


def test_only_the_certificate_is_shown_wherever_it_stands() -> None:
    assert key.certificate_in(PRIVATE + CERTIFICATE) == key.certificate_in(CERTIFICATE + PRIVATE) == CERTIFICATE


def test_a_file_without_one_of_both_is_no_key() -> None:
    assert key.certificate_in(PRIVATE) is None
    assert key.certificate_in(CERTIFICATE) is None
    assert key.certificate_in("") is None


def test_a_new_key_has_a_certificate_with_the_sites_name() -> None:
    made = key.new_pem("example")
    shown = key.certificate_in(made)
    assert shown is not None and "PRIVATE KEY" not in shown
    assert key.x509.load_pem_x509_certificate(shown.encode()).subject.rfc4514_string() == "CN=example backups"


def test_a_run_that_ends_while_the_key_is_made_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_site: str) -> str:
        raise KeyboardInterrupt

    path = tmp_path / "backup.pem"
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(key, "new_pem", killed)
        module_stub.run(key, monkeypatch, path=str(path), site="example")
    assert not path.exists()
    (tmp_path / "backup.pem.new").write_text("of a run that was killed while it wrote")
    made = module_stub.run(key, monkeypatch, path=str(path), site="example")
    assert made["changed"] and key.certificate_in(path.read_text()) == made["certificate"]
    assert path.stat().st_mode & 0o077 == 0 and [item.name for item in tmp_path.iterdir()] == ["backup.pem"]
    assert module_stub.run(key, monkeypatch, path=str(path), site="example") == {**made, "changed": False}


def test_a_key_that_another_run_makes_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made_meanwhile(_site: str) -> str:
        (tmp_path / "backup.pem").write_text(PRIVATE + CERTIFICATE)
        return "another"

    monkeypatch.setattr(key, "new_pem", made_meanwhile)
    result = module_stub.run(key, monkeypatch, path=str(tmp_path / "backup.pem"), site="example")
    assert result == {"changed": False, "certificate": CERTIFICATE}
    assert (tmp_path / "backup.pem").read_text() == PRIVATE + CERTIFICATE


def test_an_empty_file_is_told_with_the_way_out_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "backup.pem").touch()
    said = module_stub.run(key, monkeypatch, path=str(tmp_path / "backup.pem"), site="example")
    assert said["failed"] and "is empty" in said["msg"] and "it may be removed" in said["msg"]
    assert (tmp_path / "backup.pem").read_bytes() == b""
