# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the tables of a site, whatever their format, and joins machines with their addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils import table_csv, table_markdown, table_yaml
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.rows import Row, Table, is_none

Reader = Callable[[Path, Place, Problems], "Table | None"]
READERS: dict[str, Reader] = {
    ".yml": table_yaml.read,
    ".yaml": table_yaml.read,
    ".csv": table_csv.read,
    ".md": table_markdown.read,
    ".markdown": table_markdown.read,
    ".txt": table_markdown.read,
}


@dataclass
class Described:
    """A machine as the tables describe it: its own row, and the address rows that add to it."""

    row: Row
    additions: list[Row] = field(default_factory=list)


@dataclass
class Tables:
    """All tables of a site together."""

    machines: list[Described] = field(default_factory=list)
    others: list[Row] = field(default_factory=list)  # address rows of things that are no machines
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_tables(files: Iterable[tuple[Path, str]], problems: Problems) -> Tables:
    """Read the given (path, name to show) pairs. Problems are added, never raised."""
    result = Tables()
    read: list[Table] = []
    for path, shown in files:
        place = Place(shown)
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            problems.add(place, None, "is no table", f"give a file that ends in {', '.join(READERS)}")
            continue
        before = len(problems)
        table = reader(path, place, problems)
        if table is None:
            continue
        if not table.machines and not table.addresses and len(problems) == before:
            problems.add(place, None, "is a table without rows", "describe at least one machine")
        _apply_id_range(table, problems)
        read.append(table)
    by_name: dict[str, Described] = {}
    for table in read:
        result.notes += table.notes
        for bridge, network in table.networks.items():
            result.networks.setdefault(bridge, network)
        for row in table.machines:
            described = Described(row)
            result.machines.append(described)
            by_name.setdefault(str(row.cells.get(row.name_column)), described)
    for table in read:
        for row in table.addresses:
            known = by_name.get(str(row.cells.get(row.name_column)))
            if known is None:
                result.others.append(row)
            else:
                known.additions.append(row)
    if read and not result.machines and not problems:
        problems.add(Place(read[0].file), None, "describes no machine", "a table of machines has sizes as well")
    return result


def _apply_id_range(table: Table, problems: Problems) -> None:
    """Number the machines of a page that names only the range of their ids, in their order."""
    if table.id_range is None or table.id_range_place is None:
        return
    nameless = [row for row in table.machines if is_none(row.cells.get("vm_id"))]
    if not nameless:
        return
    first, last = table.id_range
    if last - first + 1 != len(nameless):
        problems.add(
            table.id_range_place,
            f"{first}~{last}",
            f"holds {last - first + 1} ids for {len(nameless)} machines",
            "make the range as long as the table",
        )
        return
    for number, row in enumerate(nameless):
        row.cells["vm_id"] = first + number
        row.labels["vm_id"] = "VM ID"
