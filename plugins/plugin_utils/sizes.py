# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory and disks of a machine, in the ways a row may say them."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils import units
from ansible_collections.detectviz.infra.plugins.plugin_utils.cells import Cells

_DISK_KEYS = {"name", "size_gb", "size", "storage", "discard", "ssd", "iothread", "backup"}


def _one_of(cells: Cells, column: str, other: str) -> None:
    if cells.raw(column) is not None and cells.raw(other) is not None:
        label = cells.row.labels.get(other, other)
        cells.wrong(column, cells.raw(column), f"stands beside {label}", "keep one of the two")


def read_memory(cells: Cells, defaults: dict[str, Any]) -> int | None:
    """MiB, from ``memory`` with its unit or from ``memory_mb``, else the site's default."""
    _one_of(cells, "memory", "memory_mb")
    if cells.raw("memory_mb") is not None:
        return cells.amount("memory_mb", _bare_or("MB", units.memory_mib), "write the memory in MiB, such as 8192")
    if cells.raw("memory") is not None:
        return cells.amount("memory", units.memory_mib, units.MEMORY_EXPECTED)
    if defaults.get("memory_mb") is None:
        cells.wrong("memory", None, "is missing", units.MEMORY_EXPECTED)
    return defaults.get("memory_mb")


def _bare_or(unit: str, read: Any) -> Any:
    """A reader for columns that name their unit: a bare number has it, an amount may still have its own."""

    def reader(value: Any) -> int:
        try:
            number = units.whole_number(value)
        except units.NotAnAmount:
            if isinstance(value, str):
                return read(value)
            raise
        return read(f"{number} {unit}")

    return reader


def read_disks(cells: Cells, defaults: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Disks with sizes in GiB, from a list, from text or from ``disk_gb``, else the site's default."""
    _one_of(cells, "disks", "disk_gb")
    value = cells.raw("disks")
    if value is None and cells.raw("disk_gb") is not None:
        size = cells.amount("disk_gb", _bare_or("GB", units.disk_gib), "write the size in GiB, such as 100")
        return None if size is None else [{"name": "system", "size_gb": size}]
    if value is None:
        if not defaults.get("disks"):
            cells.wrong("disks", None, "is missing", units.DISK_EXPECTED)
        return defaults.get("disks")
    if not isinstance(value, list):
        disks = cells.amount("disks", lambda text: units.disk_list(_text(text)), units.DISK_EXPECTED)
    else:
        read = [_disk(cells, number, entry) for number, entry in enumerate(value)]
        disks = [disk for disk in read if disk]
        if not value:
            cells.wrong("disks", None, "has no entry", units.DISK_EXPECTED)
    names = [disk["name"] for disk in disks or []]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            cells.wrong("disks", name, "names two disks", "give each disk its own name")
    return disks


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise units.NotAnAmount("is not an amount" if not isinstance(value, (int, float)) else "has no unit")


def _disk(cells: Cells, number: int, entry: Any) -> dict[str, Any] | None:
    column = f"{cells.row.labels.get('disks', 'disks')}[{number}]"
    if not isinstance(entry, dict):
        cells.wrong(column, entry, "is not a disk", "write a mapping with name and size_gb")
        return None
    disk: dict[str, Any] = {"name": entry.get("name") or ("system" if number == 0 else None)}
    if not isinstance(disk["name"], str) or not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", disk["name"]):
        cells.wrong(f"{column}.name", entry.get("name"), "is not a disk's name", "write a word such as data")
        return None
    key = "size" if "size" in entry and "size_gb" not in entry else "size_gb"
    try:
        read = units.disk_gib if key == "size" else _bare_or("GB", units.disk_gib)
        disk["size_gb"] = read(entry.get(key))
    except units.NotAnAmount as error:
        expected = units.DISK_EXPECTED if key == "size" else "write the size in GiB, such as 100"
        fact = "is missing" if entry.get(key) is None else str(error)
        cells.wrong(f"{column}.{key}", entry.get(key), fact, expected)
        return None
    for option in entry:
        if option not in _DISK_KEYS:
            cells.wrong(f"{column}.{option}", None, "is an unknown key", f"known are {', '.join(sorted(_DISK_KEYS))}")
        elif option == "storage" and isinstance(entry[option], str):
            disk[option] = entry[option]
        elif option in ("discard", "ssd", "iothread", "backup") and isinstance(entry[option], bool):
            disk[option] = entry[option]
        elif option not in ("name", "size", "size_gb") and entry[option] is not None:
            kind = "the name of a storage" if option == "storage" else "true or false"
            cells.wrong(f"{column}.{option}", entry[option], "has the wrong type", f"write {kind}")
    return disk
