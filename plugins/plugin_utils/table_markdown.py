# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node tables inside Markdown pages: the tables of machines and of addresses are taken, others passed over.

Two kinds of lines beside the tables are read as well: a range of guest ids (``VM ID 範圍: 111~114``) and the
networks (``vmbr0 (…,192.168.0.0/24,MTU 9000)``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.detectviz.infra.plugins.plugin_utils import columns
from ansible_collections.detectviz.infra.plugins.plugin_utils.files import read_text
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.rows import Row, Table
from ansible_collections.detectviz.infra.plugins.plugin_utils.units import fold

_DELIMITER_CELL = re.compile(r":?-+:?")
_ID_RANGE = re.compile(
    r"\bVM\s*IDs?\s*(?:範圍|range)?\s*:\s*(\d{1,9})\s*(?:~|-|–|—|to|\.\.)\s*(\d{1,9})", re.IGNORECASE
)
_NETWORK = re.compile(r"(?:^|[\s*-])(?P<bridge>[a-z][a-z0-9_.-]{0,14})\s*\((?P<inside>[^()]*)\)")
_CIDR = re.compile(r"(?<![\w.:/])([0-9A-Fa-f.:]{3,39}/\d{1,3})(?!\w)")
_MTU = re.compile(r"\bMTU\s*[:=]?\s*(\d{3,5})\b", re.IGNORECASE)
_Line = tuple[int, str]


def read(path: Path, place: Place, problems: Problems) -> Table | None:
    """The machines, addresses, id range and networks of a Markdown page, or None after adding problems."""
    text = read_text(path, place, problems)
    if text is None:
        return None
    table = Table(file=place.file)
    lines = list(_outside_code(text))
    position = 0
    while position < len(lines):
        if position + 1 < len(lines) and _is_header(lines[position][1], lines[position + 1][1]):
            body_end = position + 2
            while body_end < len(lines) and lines[body_end][1].lstrip().startswith("|"):
                body_end += 1
            _take_table(table, lines[position], lines[position + 2 : body_end], problems)
            position = body_end
        else:
            _take_line(table, *lines[position], problems)
            position += 1
    return table


def _outside_code(text: str) -> Iterator[_Line]:
    """The numbered lines that are not inside a fenced block."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if fence:
            if stripped.startswith(fence) and not stripped.strip(fence[0]):
                fence = ""
        elif stripped.startswith(("```", "~~~")):
            fence = stripped[:3]
        else:
            yield number, line


def _is_header(line: str, below: str) -> bool:
    if not line.lstrip().startswith("|") or not below.lstrip().startswith("|"):
        return False
    cells = _cells(below)
    return bool(cells) and all(_DELIMITER_CELL.fullmatch(cell) for cell in cells)


def _cells(line: str) -> list[str]:
    """The cells of a row; a pipe behind a backslash belongs to the text."""
    text = line.strip()
    text = text[1:] if text.startswith("|") else text
    if text.endswith("|") and not text.endswith("\\|"):
        text = text[:-1]
    return [cell.replace("\\|", "|").strip().strip("`*").strip() for cell in re.split(r"(?<!\\)\|", text)]


def _take_table(table: Table, header: _Line, body: list[_Line], problems: Problems) -> None:
    labels = _cells(header[1])
    names = [columns.canonical(label) for label in labels]
    known = {name for name in names if name}
    if columns.is_machine_table(known):
        target = table.machines
    elif columns.is_address_table(known):
        target = table.addresses
    else:
        table.notes.append(f"{table.file} line {header[0]}: passed over the table {' | '.join(labels)}")
        return
    for name in known:
        if names.count(name) > 1:
            problems.add(Place(table.file, header[0], name), None, "is there twice", "keep one column")
            return
    ignored = [label for label, name in zip(labels, names) if name is None]
    if ignored:
        table.notes.append(f"{table.file} line {header[0]}: passed over the columns {', '.join(ignored)}")
    if not body:
        problems.add(Place(table.file, header[0]), None, "is a table without rows", "write one row per machine")
    for number, line in body:
        at = Place(table.file, number)
        cells = _cells(line)
        if len(cells) != len(labels):
            problems.add(at, None, f"has {len(cells)} cells", f"the header names {len(labels)} columns")
            continue
        taken = {name: cell for name, cell in zip(names, cells) if name}
        target.append(Row(at, taken, {name: label for name, label in zip(names, labels) if name}))


def _take_line(table: Table, number: int, line: str, problems: Problems) -> None:
    text = fold(line).replace("~", "~").replace("〜", "~")
    at = Place(table.file, number)
    ids = _ID_RANGE.search(text)
    if ids:
        found = (int(ids[1]), int(ids[2]))
        if table.id_range is not None and table.id_range != found:
            problems.add(at.at("VM ID"), ids[0], "is a second range of ids", "write one range per page")
        elif found[0] > found[1] or found[1] - found[0] > 10_000:
            problems.add(at.at("VM ID"), ids[0], "is no range of ids", "write the lowest id first, such as 111~114")
        else:
            table.id_range, table.id_range_place = found, at.at("VM ID")
    for match in _NETWORK.finditer(text):
        cidr = _CIDR.search(match["inside"])
        if cidr:
            mtu = _MTU.search(match["inside"])
            network = {"cidr": cidr[1], **({"mtu": int(mtu[1])} if mtu else {})}
            known = table.networks.setdefault(match["bridge"], network)
            if known != network:
                problems.add(at.at(match["bridge"]), match["inside"], "differs from an earlier line", "keep one")
