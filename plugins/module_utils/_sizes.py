# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes as Proxmox writes them: a number and a binary unit (``20G``, ``528K``, ``4M``)."""

from __future__ import annotations

import re

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

GIB = 1024**3
MIB = 1024**2
_UNITS = {"": 1, "K": 1024, "M": MIB, "G": GIB, "T": 1024**4}
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)([KMGT]?)$")


def to_bytes(text: str) -> int:
    """Bytes of a Proxmox size. Raises InfraError for anything else."""
    found = _SIZE.match(str(text).strip())
    if not found:
        raise InfraError(f"{text!r} is not a size such as 20G")
    return int(float(found.group(1)) * _UNITS[found.group(2)])


def human(size: int) -> str:
    """Bytes for people: the largest unit that divides without a rest, as Proxmox prints it."""
    for unit in ("T", "G", "M", "K"):
        if size >= _UNITS[unit] and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)
