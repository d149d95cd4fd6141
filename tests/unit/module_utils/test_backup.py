# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: their archive, their names, the snapshot's checksum, and which members of etcd may be removed."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _etcd_members as members
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import read_archive, write_archive
from ansible_collections.detectviz.infra.plugins.module_utils._backup_names import backup_name, superfluous, taken_at
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_snapshot import blobs, write_checked
from ansible_collections.detectviz.infra.plugins.module_utils._etcdutl import etcd_image
from hypothesis import given, settings
from hypothesis import strategies as st

ADDRESSES = [f"10.0.0.{number}" for number in range(11, 18)]
TIMES = st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2100, 1, 1)).map(
    lambda time: time.replace(microsecond=0, tzinfo=datetime.timezone.utc)
)


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


@given(st.lists(TIMES, unique=True, max_size=30), st.integers(1, 10))
def test_the_newest_backups_stay_and_nothing_of_others_goes(times: list[datetime.datetime], keep: int) -> None:
    own = [backup_name("site", time) for time in times]
    others = [backup_name("site-2", time) for time in times] + [f"{name}.json" for name in own] + ["notes.txt"]
    gone = superfluous(own + others, "site", keep)
    stay = sorted((taken_at(name, "site"), name) for name in own if name not in gone)
    assert set(gone) <= set(own)
    assert len(stay) == min(keep, len(own))
    assert all(taken_at(name, "site") < stay[0][0] for name in gone)
    assert gone == sorted(gone)


@given(TIMES)
def test_a_name_tells_its_time(time: datetime.datetime) -> None:
    assert taken_at(backup_name("my-site", time), "my-site") == time


def cluster(count: int, learner: int | None = None) -> list[dict[str, Any]]:
    return [
        {"id": str(number), "name": f"m{number}", "address": ADDRESSES[number], "learner": number == learner}
        for number in range(count)
    ]


@given(st.integers(1, 7), st.data())
def test_a_removal_never_costs_the_majority(count: int, draw: st.DataObject) -> None:
    healthy = set(draw.draw(st.lists(st.sampled_from(ADDRESSES[:count]), unique=True)))
    target = draw.draw(st.sampled_from(ADDRESSES[:count]))
    problem = members.removal_problem(cluster(count), healthy, target)
    decides = len(healthy) >= count // 2 + 1
    stays = count > 1 and len(healthy - {target}) >= (count - 1) // 2 + 1
    assert (problem is None) == (decides and stays)


def test_removals_that_everybody_knows() -> None:
    three = cluster(3)
    one_dead = {ADDRESSES[1], ADDRESSES[2]}
    assert members.removal_problem(three, one_dead, ADDRESSES[0]) is None
    assert "bring 10.0.0.11 back first" in str(members.removal_problem(three, one_dead, ADDRESSES[1]))
    assert "lost its majority" in str(members.removal_problem(three, {ADDRESSES[2]}, ADDRESSES[0]))
    assert "only member" in str(members.removal_problem(cluster(1), {ADDRESSES[0]}, ADDRESSES[0]))
    assert members.removal_problem(three, set(), "10.0.0.99") is None
    assert members.removal_problem(cluster(3, learner=2), {ADDRESSES[0], ADDRESSES[1]}, ADDRESSES[2]) is None


def test_the_best_view_is_not_that_of_a_member_that_began_anew() -> None:
    nodes = {
        "m1": {"view": {"nodes": [{"name": "m1"}], "members": cluster(1)}},
        "m2": {"view": {"nodes": [{"name": "m1"}, {"name": "m2"}], "members": cluster(3)}},
        "m3": {"view": {"error": "no answer"}},
    }
    assert members.best_view(nodes, ["m1", "m2", "m3"]) == "m2"
    assert members.best_view({"m3": nodes["m3"]}, ["m1", "m2", "m3"]) is None


def test_addresses_are_written_as_etcd_takes_them() -> None:
    assert members.initial_cluster({"a": "10.0.0.1", "b": "fd00::1"}) == "a=https://10.0.0.1:2380,b=https://[fd00::1]:2380"


def test_etcds_image_is_that_of_the_static_pod_else_kubeadms() -> None:
    manifest = "spec:\n  containers:\n  - command:\n    - etcd\n    image: registry.k8s.io/etcd:3.6.8-0\n    imagePullPolicy: X\n"
    assert etcd_image(manifest, "") == "registry.k8s.io/etcd:3.6.8-0"
    assert etcd_image(None, "registry.k8s.io/pause:3.10\nregistry.k8s.io/etcd:3.6.5-0\n") == "registry.k8s.io/etcd:3.6.5-0"
    with pytest.raises(InfraError, match="No image of etcd"):
        etcd_image(None, "")
