# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every reader of tables gives back, whatever the format was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place


@dataclass
class Row:
    """One row: its cells by canonical column, and how each column is called in the file."""

    place: Place
    cells: dict[str, Any]
    labels: dict[str, str] = field(default_factory=dict)

    def at(self, column: str) -> Place:
        return self.place.at(self.labels.get(column, column))

    @property
    def name_column(self) -> str:
        """The host name stands in ``name``; a table without it has it in ``node`` (節點)."""
        return "name" if "name" in self.cells or "node" not in self.cells else "node"


@dataclass
class Table:
    """The content of one file."""

    file: str
    machines: list[Row] = field(default_factory=list)
    addresses: list[Row] = field(default_factory=list)
    id_range: tuple[int, int] | None = None
    id_range_place: Place | None = None
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)  # bridge → {cidr, mtu}
    notes: list[str] = field(default_factory=list)


NONE_WORDS = {"", "-", "–", "—", "none", "n/a", "無"}


def is_none(value: Any) -> bool:
    """Whether a cell says that there is nothing."""
    return value is None or (isinstance(value, str) and value.strip().lower() in NONE_WORDS)
