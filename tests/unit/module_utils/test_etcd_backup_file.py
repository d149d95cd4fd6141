# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of backups, and which of them are kept."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path
from typing import Any

import module_stub
import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import write_archive
from ansible_collections.detectviz.infra.plugins.module_utils._backup_names import backup_name, superfluous, taken_at
from ansible_collections.detectviz.infra.plugins.modules import etcd_backup_file
from hypothesis import given
from hypothesis import strategies as st

TIMES = st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2100, 1, 1)).map(
    lambda time: time.replace(microsecond=0, tzinfo=datetime.timezone.utc)
)


def verified(names: list[str]) -> list[str]:
    """Backups, and what is known of them since they were verified."""
    return [*names, *(f"{name}.json" for name in names)]


@given(st.lists(TIMES, unique=True, max_size=30), st.integers(1, 10))
def test_the_newest_backups_stay_and_nothing_of_others_goes(times: list[datetime.datetime], keep: int) -> None:
    own = [backup_name("site", time) for time in times]
    others = verified([backup_name("site-2", time) for time in times]) + ["notes.txt"]
    gone = superfluous(verified(own) + others, "site", keep)
    stay = sorted((taken_at(name, "site"), name) for name in own if name not in gone)
    assert set(gone) <= set(own)
    assert len(stay) == min(keep, len(own))
    assert all(taken_at(name, "site") < stay[0][0] for name in gone)
    assert gone == sorted(gone)


# Few days, so that many backups are of the same one.
CLOSE = st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2026, 2, 1)).map(
    lambda time: time.replace(microsecond=0, tzinfo=datetime.timezone.utc)
)


@given(st.lists(CLOSE, unique=True, max_size=40), st.integers(0, 10), st.integers(0, 40))
def test_the_newest_of_each_day_stays_too(times: list[datetime.datetime], keep: int, keep_days: int) -> None:
    own = [backup_name("site", time) for time in times]
    others = verified([backup_name("site-2", time) for time in times]) + ["notes.txt"]
    gone = superfluous(verified(own) + others, "site", keep, keep_days)
    by_count = superfluous(verified(own) + others, "site", keep)
    assert set(gone) <= set(by_count) <= set(own), "days only keep more, and nothing of others goes"
    assert not own or max(own) not in gone, "the newest always stays"
    assert gone == sorted(gone)
    days = sorted({time.date() for time in times}, reverse=True)[:keep_days]
    wanted = {max(name for name, time in zip(own, times) if time.date() == day) for day in days}
    assert set(by_count) - set(gone) == wanted & set(by_count), "one for each of the last days, and no more"


def test_many_backups_of_one_day_push_out_no_other_day() -> None:
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    old = [backup_name("site", start + datetime.timedelta(days=day, hours=hour)) for day in range(3) for hour in (1, 2)]
    burst = [backup_name("site", start + datetime.timedelta(days=60, minutes=minute)) for minute in range(20)]
    gone = superfluous(verified(old + burst), "site", 14, 14)
    assert gone == [*old[::2], *burst[:6]]


@given(st.lists(CLOSE, unique=True, max_size=30), st.data(), st.integers(1, 10), st.integers(0, 10))
def test_backups_that_were_not_verified_neither_count_nor_go(
    times: list[datetime.datetime], draw: st.DataObject, keep: int, keep_days: int
) -> None:
    names = [backup_name("site", time) for time in times]
    good = draw.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    assert superfluous(verified(good) + names, "site", keep, keep_days) == superfluous(verified(good), "site", keep, keep_days)


@given(TIMES)
def test_a_name_tells_its_time(time: datetime.datetime) -> None:
    assert taken_at(backup_name("my-site", time), "my-site") == time


class Folder:
    """A folder of backups with a key, and the module on what was fetched into it."""

    fetched, first, newest = "site.fetched", "site-20260101T000000Z.etcd.cms", "site-20260102T000000Z.etcd.cms"

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.monkeypatch = path / "etcd", monkeypatch
        self.path.mkdir()
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", "-", "-out", "-"]
        self.key = path / "key.pem"
        self.key.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)

    def fetch(self, cut: int = 0) -> None:
        write_archive(self.path / self.fetched, self.key.read_text(), {"node": "m1"}, {"snapshot.db": b"what etcd held"})
        if cut:
            (self.path / self.fetched).write_bytes((self.path / self.fetched).read_bytes()[:-cut])

    def verify(self, name: str, check_mode: bool = False) -> dict[str, Any]:
        return module_stub.run(
            etcd_backup_file, self.monkeypatch, check_mode, path=str(self.path / name), fetched=str(self.path / self.fetched),
            key_file=str(self.key), site="site", keep=1, keep_days=0,
        )  # fmt: skip

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(tmp_path, monkeypatch)


def test_what_was_fetched_gets_its_name_once_it_is_verified(folder: Folder) -> None:
    folder.fetch()
    planned = folder.verify(folder.first, check_mode=True)
    assert planned["changed"] and folder.names() == [folder.fetched]
    assert folder.verify(folder.first) == planned
    assert folder.names() == verified([folder.first])
    assert folder.verify(folder.first) == {**planned, "changed": False}
    folder.fetch()
    planned = folder.verify(folder.newest, check_mode=True)
    assert planned["removed"] == [folder.first] and folder.names() == [*verified([folder.first]), folder.fetched]
    assert folder.verify(folder.newest) == planned and folder.names() == verified([folder.newest])


def test_what_was_fetched_and_cannot_be_read_is_no_backup_and_removes_none(folder: Folder) -> None:
    folder.fetch()
    folder.verify(folder.first)
    folder.fetch(cut=5)
    assert folder.verify(folder.newest)["failed"]
    assert folder.names() == [*verified([folder.first]), folder.fetched]


def test_without_room_for_what_is_known_a_backup_does_not_count(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.fetch()
    (folder.path / f"{folder.first}.json.part").symlink_to("/dev/full")
    assert "No space left" in folder.verify(folder.first)["msg"]
    assert f"{folder.first}.json" not in folder.names()
    (folder.path / f"{folder.first}.json.part").unlink()
    assert folder.verify(folder.first)["changed"] and folder.names() == verified([folder.first])
