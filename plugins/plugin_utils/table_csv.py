# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node tables written in CSV: the first row names the columns, each further row is a machine."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ansible_collections.detectviz.infra.plugins.plugin_utils import columns
from ansible_collections.detectviz.infra.plugins.plugin_utils.files import read_text
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.rows import Row, Table


def read(path: Path, place: Place, problems: Problems) -> Table | None:
    """The machines (or only the addresses) of a CSV file, or None after adding problems."""
    text = read_text(path, place, problems)
    if text is None:
        return None
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True))
    except csv.Error as error:
        problems.add(place, None, f"is not valid CSV: {error}", "write one row per machine, quotes in pairs")
        return None
    # Blank lines and lines that begin with # say nothing, but they count: the row is what an editor shows.
    rows = [
        (number, [cell.strip() for cell in record])
        for number, record in enumerate(records, 1)
        if any(cell.strip() for cell in record) and not record[0].lstrip().startswith("#")
    ]
    if not rows:
        problems.add(place, None, "is a table without rows", "write a header and one row per machine")
        return None
    (header_number, header), body = rows[0], rows[1:]
    names = _header(header, Place(place.file, header_number), problems)
    if names is None:
        return None
    table = Table(file=place.file)
    target = table.machines if columns.is_machine_table({name for name in names if name}) else table.addresses
    for number, record in body:
        at = Place(place.file, number)
        if len(record) > len(names) and any(record[len(names) :]) or len(record) < len(names):
            problems.add(at, None, f"has {len(record)} cells", f"the header names {len(names)} columns")
            continue
        cells = {name: cell for name, cell in zip(names, record) if name}
        target.append(Row(at, cells, {name: label for name, label in zip(names, header) if name}))
    return table


def _header(header: list[str], at: Place, problems: Problems) -> list[str | None] | None:
    """The canonical column names, or None when the file is no table of machines or addresses."""
    names: list[str | None] = []
    for label in header:
        name = columns.canonical(label) if label else None
        if label and name is None:
            problems.add(at.at(label), None, "is an unknown column", columns.suggestion(label))
        if name is not None and name in names:
            problems.add(at.at(label), None, "is there twice", "keep one column")
            name = None
        names.append(name)
    known = {name for name in names if name}
    if columns.is_machine_table(known) or columns.is_address_table(known):
        return names
    problems.add(at, None, "names no table of machines", "it needs the column name and one of cores, memory, disks")
    return None


def _delimiter(text: str) -> str:
    """Comma, or the semicolon or tab that a spreadsheet wrote: the one the header has most of."""
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    header = next(lines, "")
    return max(",;\t", key=header.count)
