# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token may do, from ``GET /access/permissions``: pure look-ups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# On "/", these let a token do far more than making machines.
TOO_MUCH = (
    "Permissions.Modify",
    "User.Modify",
    "Realm.Allocate",
    "Group.Allocate",
    "Sys.Modify",
    "Sys.PowerMgmt",
    "Sys.Console",
    "Datastore.Allocate",
)


class Permissions:
    """Effective privileges: ``{path: {privilege: propagates}}``."""

    def __init__(self, granted: dict[str, dict[str, Any]]) -> None:
        self._granted = granted

    def may(self, path: str, privilege: str) -> bool:
        """Whether the privilege holds on the path, by its own entry or a propagating one above."""
        current = path
        while True:
            entry = self._granted.get(current)
            if entry is not None:
                value = entry.get(privilege)
                return value is not None if current == path else str(value) == "1"
            if current == "/":
                return False
            current = current.rsplit("/", 1)[0] or "/"

    def may_any(self, paths: Iterable[str], privilege: str) -> bool:
        """Whether the privilege holds on one of the paths."""
        return any(self.may(path, privilege) for path in paths)

    def too_much(self) -> list[str]:
        """Privileges on everything that making machines never needs."""
        return [privilege for privilege in TOO_MUCH if self.may("/", privilege)]
