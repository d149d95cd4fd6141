# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: their archive, the snapshot's checksum, and where etcdutl comes from."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import read_archive, write_archive
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_snapshot import blobs, write_checked
from ansible_collections.detectviz.infra.plugins.module_utils._etcdutl import etcd_image
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key with its certificate, made by OpenSSL itself."""
    folder = tmp_path_factory.mktemp("key")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", "key", "-out", "crt"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "both.pem").write_text((folder / "key").read_text() + (folder / "crt").read_text())
    return folder / "both.pem"


@pytest.fixture
def archive(key: Path, tmp_path: Path) -> Path:
    snapshot = tmp_path / "snapshot"
    snapshot.write_bytes(bytes(range(256)) * 9000)
    path = tmp_path / "archive"
    write_archive(path, key.read_text(), {"node": "m1"}, {"pki/ca.key": b"SECRET-CA-KEY", "snapshot.db": snapshot})
    return path


def test_what_goes_into_an_archive_comes_out_of_it(archive: Path, key: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    contents = read_archive(archive, str(key), out)
    assert contents["node"] == "m1"
    assert (out / "pki/ca.key").read_bytes() == b"SECRET-CA-KEY"
    assert (out / "snapshot.db").read_bytes() == (tmp_path / "snapshot").read_bytes()
    assert {path.stat().st_mode & 0o077 for path in [archive, *out.rglob("*.*")]} == {0}


def test_the_clusters_ca_is_told_from_the_file_itself(key: Path, tmp_path: Path) -> None:
    path = tmp_path / "with-ca"
    contents = write_archive(path, key.read_text(), {}, {"pki/ca.crt": key.read_bytes()})
    command = ["openssl", "x509", "-in", str(key), "-noout", "-fingerprint", "-sha256"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert read_archive(path, str(key)) == {**contents, "ca": told.partition("=")[2].strip().replace(":", "").lower()}


def test_an_archive_shows_nothing_to_others(archive: Path) -> None:
    assert b"SECRET-CA-KEY" not in archive.read_bytes() and b"snapshot.db" not in archive.read_bytes()
    assert [path.name for path in archive.parent.glob("*.part")] == []


@pytest.mark.parametrize("place", [100, 700, 3000, -5])
def test_one_changed_byte_is_noticed(archive: Path, key: Path, place: int) -> None:
    data = bytearray(archive.read_bytes())
    data[place] ^= 1
    archive.write_bytes(data)
    with pytest.raises(InfraError):
        read_archive(archive, str(key))


@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_a_cut_archive_is_noticed(archive: Path, key: Path, part: float) -> None:
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(InfraError, match="archive"):
        read_archive(archive, str(key))


def test_another_key_reads_nothing(archive: Path, tmp_path: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", "o", "-out", "c"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    other = tmp_path / "other.pem"
    other.write_text((tmp_path / "o").read_text() + (tmp_path / "c").read_text())
    with pytest.raises(InfraError, match="made for another key"):
        read_archive(archive, str(other))


def test_a_certificate_that_is_none_is_told_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="could not be encrypted"):
        write_archive(tmp_path / "archive", "no certificate", {}, {"file": b"content"})
    assert list(tmp_path.iterdir()) == []


def parts(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=3000), st.integers(1, 700))
def test_a_snapshot_is_taken_whole_however_it_is_cut(tmp_path_factory: pytest.TempPathFactory, data: bytes, size: int) -> None:
    path = tmp_path_factory.mktemp("snapshot") / "db"
    whole = data + hashlib.sha256(data).digest()
    lines = [json.dumps({"result": {"blob": base64.b64encode(part).decode()}}).encode() + b"\n" for part in parts(whole, size)]
    assert write_checked(blobs(lines), path) == len(whole)
    assert path.read_bytes() == whole


@settings(max_examples=30)
@given(st.binary(min_size=40, max_size=300), st.data())
def test_a_snapshot_that_is_cut_or_changed_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, draw: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("snapshot") / "db"
    whole = bytearray(data + hashlib.sha256(data).digest())
    place = draw.draw(st.integers(0, len(whole) - 1))
    if draw.draw(st.booleans()):
        whole[place] ^= 1
    else:
        del whole[place:]
    with pytest.raises(InfraError, match="not whole"):
        write_checked(parts(bytes(whole), 64), path)
    assert not path.exists()


def test_etcds_own_words_are_told() -> None:
    with pytest.raises(InfraError, match="etcdserver: permission denied"):
        list(blobs([b'{"error": {"message": "etcdserver: permission denied"}}']))
    with pytest.raises(InfraError, match="no snapshot"):
        list(blobs([b"<html>"]))


def test_etcds_image_is_that_of_the_static_pod_else_kubeadms() -> None:
    manifest = "spec:\n  containers:\n  - command:\n    - etcd\n    image: registry.k8s.io/etcd:3.6.8-0\n    imagePullPolicy: X\n"
    assert etcd_image(manifest, "") == "registry.k8s.io/etcd:3.6.8-0"
    assert etcd_image(None, "registry.k8s.io/pause:3.10\nregistry.k8s.io/etcd:3.6.5-0\n") == "registry.k8s.io/etcd:3.6.5-0"
    with pytest.raises(InfraError, match="No image of etcd"):
        etcd_image(None, "")
