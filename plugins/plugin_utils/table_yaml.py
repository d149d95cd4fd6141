# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node tables written in YAML: a list of machines, alone or under the key ``machines``."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.detectviz.infra.plugins.plugin_utils import columns
from ansible_collections.detectviz.infra.plugins.plugin_utils.files import read_yaml
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.rows import Row, Table


def read(path: Path, place: Place, problems: Problems) -> Table | None:
    """The machines of a YAML table, or None after adding problems."""
    loaded = read_yaml(path, place, problems, table=True)
    if loaded is None:
        return None
    data, lines = loaded
    if isinstance(data, dict):
        unknown = [key for key in data if key not in ("machines", "$schema") and not str(key).startswith("x-")]
        for key in unknown:
            problems.add(place.at(str(key)), None, "is an unknown key", "a table has one key, machines")
        data = data.get("machines")
    if not isinstance(data, list):
        problems.add(place, None, "holds no list of machines", "write the key machines with one entry per machine")
        return None
    table = Table(file=place.file)
    for number, entry in enumerate(data, 1):
        at = Place(place.file, number, line=lines[number - 1] if number <= len(lines) else None)
        row = _row(entry, at, problems)
        if row is not None:
            table.machines.append(row)
    return table


def _row(entry: object, at: Place, problems: Problems) -> Row | None:
    if not isinstance(entry, dict):
        problems.add(at, entry, "is not a machine", "write a mapping with name, vm_id, cores, memory_mb, …")
        return None
    row = Row(at, {})
    for key, value in entry.items():
        name = columns.canonical_key(key) if isinstance(key, str) else None
        if name is None:
            problems.add(at.at(str(key)), None, "is an unknown key", columns.suggestion(str(key)))
        elif name in row.cells:
            problems.add(at.at(str(key)), None, f"says the same as {row.labels[name]}", "keep one of the two")
        else:
            row.cells[name] = value
            row.labels[name] = str(key)
    return row
