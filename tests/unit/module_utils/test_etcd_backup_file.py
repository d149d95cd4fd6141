# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of backups, and which of them are kept."""

from __future__ import annotations

import datetime

from ansible_collections.detectviz.infra.plugins.module_utils._backup_names import backup_name, superfluous, taken_at
from hypothesis import given
from hypothesis import strategies as st

TIMES = st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2100, 1, 1)).map(
    lambda time: time.replace(microsecond=0, tzinfo=datetime.timezone.utc)
)


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


# Few days, so that many backups are of the same one.
CLOSE = st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2026, 2, 1)).map(
    lambda time: time.replace(microsecond=0, tzinfo=datetime.timezone.utc)
)


@given(st.lists(CLOSE, unique=True, max_size=40), st.integers(0, 10), st.integers(0, 40))
def test_the_newest_of_each_day_stays_too(times: list[datetime.datetime], keep: int, keep_days: int) -> None:
    own = [backup_name("site", time) for time in times]
    others = [backup_name("site-2", time) for time in times] + [f"{name}.json" for name in own] + ["notes.txt"]
    gone = superfluous(own + others, "site", keep, keep_days)
    by_count = superfluous(own + others, "site", keep)
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
    gone = superfluous(old + burst, "site", 14, 14)
    assert gone == [*old[::2], *burst[:6]]


@given(TIMES)
def test_a_name_tells_its_time(time: datetime.datetime) -> None:
    assert taken_at(backup_name("my-site", time), "my-site") == time
