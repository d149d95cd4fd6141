# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a site, told so that a person can mend it: where, what was found, what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where a value stands.

    ``row`` counts as the user's editor does: the entry of a YAML list (from 1), the row of a spreadsheet
    (the header is 1), the line of a Markdown file. ``line`` is given where it differs from ``row``.
    """

    file: str
    row: int | None = None
    column: str | None = None
    line: int | None = None

    def at(self, column: str | None) -> Place:
        return replace(self, column=column)

    def __str__(self) -> str:
        text = self.file
        if self.row is not None:
            text += f" row {self.row}"
        if self.column:
            text += f", {self.column}"
        return text


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: ``value`` as it was written, the ``fact`` about it, and what was ``expected``."""

    place: Place
    value: Any
    fact: str
    expected: str

    def __str__(self) -> str:
        shown = "" if self.value is None else f"{shorten(self.value)} "
        line = f" (line {self.place.line})" if self.place.line is not None else ""
        return _printable(f"{self.place}: {shown}{self.fact}; {self.expected}{line}")

    def as_dict(self) -> dict[str, Any]:
        """The problem as plain data, for a module's result."""
        return {
            **asdict(self.place),
            "value": None if self.value is None else shorten(self.value),
            "fact": self.fact,
            "expected": self.expected,
            "text": str(self),
        }


class SiteError(Exception):
    """A site that cannot be used. Holds every problem that was found, not just the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(self.text())

    def text(self) -> str:
        count = len(self.problems)
        head = "The site has 1 problem:" if count == 1 else f"The site has {count} problems:"
        return "\n".join([head, *(f"  {number}. {problem}" for number, problem in enumerate(self.problems, 1))])


class Problems(list[Problem]):
    """Collects problems while the checks go on; the same one counts once."""

    def __init__(self) -> None:
        super().__init__()
        self._texts: set[str] = set()

    def add(self, place: Place, value: Any, fact: str, expected: str) -> None:
        problem = Problem(place, value, fact, expected)
        text = str(problem)
        if text not in self._texts:
            self._texts.add(text)
            self.append(problem)

    def rows(self) -> set[tuple[str, int | None]]:
        """The rows that something is wrong with, as (file, row)."""
        return {(problem.place.file, problem.place.row) for problem in self}

    def stop_if_any(self) -> None:
        """Raise SiteError with all problems, in the order of the files."""
        if self:
            files = list(dict.fromkeys(problem.place.file for problem in self))
            raise SiteError(sorted(self, key=lambda item: (files.index(item.place.file), item.place.row or 0)))


def shorten(value: Any, limit: int = 80) -> str:
    """``value`` on one line, printable, cut to ``limit`` characters."""
    text = value if isinstance(value, str) else _plain(value)
    text = _printable(text)
    if text == "":
        return "an empty value"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if any(isinstance(item, (dict, list)) for item in value) else str(value)
    try:
        return str(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits cannot be printed
        return "a value"
