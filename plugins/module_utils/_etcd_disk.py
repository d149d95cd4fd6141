# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the disk under etcd takes for a write: two readings of etcd's own counters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

METRIC = "etcd_disk_wal_fsync_duration_seconds"
"""Each change waits for one of these before it counts."""
LIMIT = 0.1
"""Seconds. A leader that needs longer than its heartbeat for a write is taken for lost by the others."""
ENOUGH = 3
"""Fewer writes say nothing of the disk. The leases of a cluster at rest make some each second."""


def parse_writes(metrics: str) -> dict[str, float] | None:
    """``{seconds, writes}`` since this etcd began, of the text that it serves at ``/metrics``; None if it tells none."""
    found = {}
    for line in metrics.splitlines():
        name, _space, value = line.rpartition(" ")
        if name in (f"{METRIC}_sum", f"{METRIC}_count"):
            try:
                found[name.rpartition("_")[2]] = float(value)
            except ValueError:
                return None
    return {"seconds": found["sum"], "writes": found["count"]} if len(found) == 2 else None


def mean_write(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[float, int] | None:
    """Seconds per write and how many there were between two readings.

    None where one is missing, where etcd began anew between them, or where there were too few.
    """
    if not before or not after:
        return None
    writes = int(after["writes"] - before["writes"])
    seconds = after["seconds"] - before["seconds"]
    if writes < ENOUGH or seconds < 0:
        return None
    return seconds / writes, writes
