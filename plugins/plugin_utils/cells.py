# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the cells of one row."""

from __future__ import annotations

from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils import units
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.rows import Row, is_none


class Cells:
    """Takes the cells of one row; a cell that is wrong becomes a problem and counts as absent."""

    def __init__(self, row: Row, problems: Problems) -> None:
        self.row, self.problems = row, problems

    def raw(self, column: str) -> Any:
        value = self.row.cells.get(column)
        return None if is_none(value) else value

    def wrong(self, column: str, value: Any, fact: str, expected: str) -> None:
        self.problems.add(self.row.at(column), value, fact, expected)

    def amount(self, column: str, read: Any, expected: str) -> Any:
        value = self.raw(column)
        if value is None:
            return None
        try:
            return read(value)
        except units.NotAnAmount as error:
            self.wrong(column, value, str(error), expected)
            return None

    def text(self, column: str) -> str | None:
        value = self.raw(column)
        if value is None or isinstance(value, str) and value.strip():
            return value.strip() if value else None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        self.wrong(column, value, "is not text", "write a word")
        return None
