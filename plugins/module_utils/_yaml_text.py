# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain data as YAML text, for machines that need not have a YAML library. Pure.

Only what a Kubernetes manifest holds: dictionaries with text keys, lists, text, whole numbers, booleans and null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# Text that every YAML reader takes as that text. What could be a number, a date, a boolean or null is quoted.
_PLAIN = re.compile(r"/?[A-Za-z][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def to_yaml(value: dict[str, Any]) -> str:
    """A dictionary as a YAML document in block style, its keys in their order."""
    return "".join(f"{line}\n" for line in _block(value))


def _block(value: dict[str, Any] | list[Any]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _entry(f"{_scalar(key)}:", item, "" if isinstance(item, list) else "  ")
    else:
        for item in value:
            if isinstance(item, (dict, list)) and item:
                first, *others = _block(item)
                yield f"- {first}"
                yield from (f"  {line}" for line in others)
            else:
                yield f"- {_scalar(item)}"


def _entry(head: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, (dict, list)) and item:
        yield head
        yield from (f"{indent}{line}" for line in _block(item))
    else:
        yield f"{head} {_scalar(item)}"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return '"' + "".join(_character(letter) for letter in value) + '"'


def _character(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    return letter if " " <= letter <= "~" else f"\\U{ord(letter):08x}"
