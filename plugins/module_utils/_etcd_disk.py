# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the disk under etcd takes for a write: two readings of etcd's own counters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

METRIC = "etcd_disk_wal_fsync_duration_seconds"
"""Each change waits for one of these before it counts."""
LIMIT = 0.25
"""Seconds. etcd complains above 0.1; near a whole second its leaders are taken for lost."""
FEW = 10
"""Below so many writes one that waited for a busy machine may be the whole mean, and says nothing of the disk."""


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


def between(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, float] | None:
    """``{seconds, writes}`` between two readings. None where one is missing, where etcd began anew between them, or
    where nothing was written."""
    if not before or not after:
        return None
    spent = {name: after[name] - before[name] for name in ("seconds", "writes")}
    return spent if spent["writes"] >= 1 and spent["seconds"] >= 0 else None


def is_slow(spent: Mapping[str, float]) -> bool | None:
    """Whether a write takes LIMIT or more, of what :func:`between` gives. None where only the few writes make it so: it would
    not be LIMIT if as many as FEW had taken the same time."""
    if spent["seconds"] / spent["writes"] < LIMIT:
        return False
    return True if spent["seconds"] / max(spent["writes"], FEW) >= LIMIT else None
