# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of backups on the control machine, and which of them are kept. Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

SUFFIX = ".etcd.cms"
NOTE = ".json"
"""Follows the name of a backup: what is known of it, written once it was verified."""
PART = ".part"
"""Follows the name of an archive that is not whole yet."""
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(rf"^(?P<site>.+)-(?P<stamp>\d{{8}}T\d{{6}}Z){re.escape(SUFFIX)}$")


def backup_name(site: str, taken: datetime.datetime) -> str:
    """``detectviz-20261121T060800Z.etcd.cms``; ``taken`` in UTC."""
    return f"{site}-{taken.strftime(_STAMP)}{SUFFIX}"


def taken_at(name: str, site: str) -> datetime.datetime | None:
    """When a backup of this site was taken; None for any other name."""
    match = _NAME.match(name)
    if match is None or match["site"] != site:
        return None
    try:
        return datetime.datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None


def left_on_node(names: Iterable[str], site: str) -> list[str]:
    """Archives of the site, whole or not, that a run which was ended has left where they are only until they are fetched."""
    return [name for name in names if taken_at(name.removesuffix(PART), site) is not None]


def superfluous(names: Iterable[str], site: str, keep: int, keep_days: int = 0) -> list[str]:
    """Backups of the site that may go, oldest first: neither of the ``keep`` newest, nor the newest of its day (UTC).

    Of the latter the last ``keep_days`` days on which one was made count, so that many backups of one day, as before each
    change, push out none of the days before. The newest always stays; other files are never named, and neither do backups count
    that were not verified.
    """
    there = set(names)
    verified = [name for name in there if f"{name}{NOTE}" in there]
    dated = sorted((taken, name) for name in verified if (taken := taken_at(name, site)) is not None)
    last_of_day = {taken.date(): name for taken, name in dated}
    daily = {last_of_day[day] for day in sorted(last_of_day, reverse=True)[: max(keep_days, 0)]}
    return [name for _taken, name in dated[: -max(keep, 1)] if name not in daily]
