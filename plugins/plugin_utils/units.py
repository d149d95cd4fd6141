# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts as people write them: ``8 GB``, ``4 cores``, ``100GB (sys) + 250GB (data)``.

GB is read as GiB and MB as MiB, as Proxmox VE does it in its forms.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

_IN_MIB = {
    "m": 1, "mb": 1, "mib": 1,
    "g": 1024, "gb": 1024, "gib": 1024,
    "t": 1024**2, "tb": 1024**2, "tib": 1024**2,
}  # fmt: skip
_AMOUNT = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,3})?)\s*(?P<unit>[^\W\d_]*)", re.ASCII)
_CORES = re.compile(r"(?P<number>\d{1,9})\s*(?:x\s*)?(?:v?cpus?|cores?|c|核心?)?", re.IGNORECASE)
_DISK = re.compile(r"(?P<size>[^()]+?)\s*(?:\((?P<name>[^()]*)\))?")
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}

MEMORY_EXPECTED = "write an amount with its unit, such as 8 GB or 8192 MB"
DISK_EXPECTED = "write whole gigabytes with the unit, such as 100 GB, or 100 GB (system) + 250 GB (data)"


class NotAnAmount(ValueError):
    """Carries the fact (why the text is refused); the caller knows the place and the value."""


def fold(text: str) -> str:
    """Text with full-width forms and doubled spaces made plain, for comparisons."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def whole_number(value: Any, least: int = 0, most: int = 2**31 - 1) -> int:
    """An integer between ``least`` and ``most``, also when written as text. Raises NotAnAmount."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", fold(value)):
        value = int(fold(value))
    if isinstance(value, bool) or not isinstance(value, int):
        raise NotAnAmount("is not a whole number")
    if not least <= value <= most:
        raise NotAnAmount(f"is not between {least} and {most}")
    return value


def cores(value: Any) -> int:
    """``4``, ``4 cores``, ``4 vCPU`` → 4. Raises NotAnAmount."""
    if isinstance(value, str):
        match = _CORES.fullmatch(fold(value))
        if not match:
            raise NotAnAmount("is not a number of cores")
        value = int(match["number"])
    return whole_number(value, 1, 8192)


def memory_mib(value: Any) -> int:
    """``8 GB`` → 8192 (MiB). Raises NotAnAmount."""
    return _in_mib(value, least=16, most=2**32)


def disk_gib(value: Any) -> int:
    """``100 GB`` → 100, ``1 TB`` → 1024 (GiB). Raises NotAnAmount."""
    size = _in_mib(value, least=1, most=2**40)
    if size % 1024:
        raise NotAnAmount("is not a whole number of gigabytes")
    return size // 1024


def disk_list(text: str) -> list[dict[str, Any]]:
    """``100GB (sys) + 250GB (data)`` → ``[{name: system, size_gb: 100}, {name: data, size_gb: 250}]``.

    The first disk is the system's; a further disk without a name is called data, data2 and so on.
    Raises NotAnAmount.
    """
    disks: list[dict[str, Any]] = []
    for part in fold(text).split("+"):
        match = _DISK.fullmatch(part.strip())
        if not match:
            raise NotAnAmount("is not a list of disks")
        name = (match["name"] or "").strip().lower()
        if not name:
            name = "system" if not disks else "data" if len(disks) == 1 else f"data{len(disks)}"
        disks.append({"name": "system" if name in ("sys", "os", "系統") else name, "size_gb": disk_gib(match["size"])})
    return disks


def boolean(value: Any) -> bool:
    """A YAML boolean, or a word such as yes or false. Raises NotAnAmount."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise NotAnAmount("is neither true nor false")


def _in_mib(value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise NotAnAmount("is not an amount")
    match = _AMOUNT.fullmatch(fold(value if isinstance(value, str) else format(value)))
    if not match:
        raise NotAnAmount("is not an amount")
    unit = match["unit"].lower()
    if not unit:
        raise NotAnAmount("has no unit")
    if unit not in _IN_MIB:
        raise NotAnAmount(f"has the unknown unit {match['unit']}")
    size = Decimal(match["number"]) * _IN_MIB[unit]
    if size != size.to_integral_value() or not least <= size <= most:
        raise NotAnAmount("is too small, too large or not a whole number of megabytes")
    return int(size)
