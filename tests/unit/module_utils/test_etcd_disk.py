# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two readings of etcd's counters tell how long its disk takes."""

from __future__ import annotations

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_disk import between, is_slow, parse_writes

METRICS = """\
# TYPE etcd_disk_wal_fsync_duration_seconds histogram
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 4411
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 5936
etcd_disk_wal_fsync_duration_seconds_sum 10.5
etcd_disk_wal_fsync_duration_seconds_count 5936
etcd_disk_wal_write_duration_seconds_sum 0.06
etcd_disk_wal_write_duration_seconds_count 11930
"""


def test_the_counters_are_found_among_the_others() -> None:
    assert parse_writes(METRICS) == {"seconds": 10.5, "writes": 5936.0}


@pytest.mark.parametrize("text", ["", "404 page not found", METRICS.replace("_sum 10.5", "_sum none")])
def test_text_without_them_tells_none(text: str) -> None:
    assert parse_writes(text) is None


def test_what_counts_was_written_between_the_readings() -> None:
    spent = between({"seconds": 10.0, "writes": 100.0}, {"seconds": 10.5, "writes": 110.0})
    assert spent == {"seconds": 0.5, "writes": 10.0}


@pytest.mark.parametrize(
    "later",
    [None, {"seconds": 10.0, "writes": 100.0}, {"seconds": 0.1, "writes": 5.0}],
    ids=["one reading", "nothing written", "etcd began anew"],
)
def test_what_says_nothing_is_none(later: dict[str, float] | None) -> None:
    assert between({"seconds": 10.0, "writes": 100.0}, later) is None


@pytest.mark.parametrize(
    ("seconds", "writes", "slow"),
    [
        (0.1, 50, False), (0.6, 5, False), (13.0, 50, True), (12.0, 50, False), (2.5, 10, True), (3.0, 3, True),
        (2.0, 2, None), (1.25, 5, None), (1.2, 5, False),
    ],
)  # fmt: skip
def test_a_disk_is_slow_by_many_writes_and_not_by_one_that_waited(seconds: float, writes: float, slow: bool | None) -> None:
    assert is_slow({"seconds": seconds, "writes": writes}) is slow
