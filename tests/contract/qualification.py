"""--real: which tests run on a real host, and the report of what it does as the emulator and what otherwise.

Each test says where it runs: `@pytest.mark.real` on both, `@pytest.mark.emulator_only("why")` not on a real host. The
mark next to the test counts; a file's `pytestmark` is for the rest of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

WIDTH = 12  # of the first column
OUTCOMES = (("passed", "as emulated"), ("failed", "DIFFERS"), ("error", "NOT RUN"), ("skipped", "NOT RUN"))


@dataclass
class Findings:
    """What a run on a real host has to tell beside the outcomes of its tests."""

    host: str = ""
    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    emulator_only: Counter[tuple[str, str]] = field(default_factory=Counter)  # (file, reason): how many tests


def reason_against(item: pytest.Item) -> str | None:
    """Why a test is not for a real host; None when it is. UsageError when it does not say."""
    for mark in item.iter_markers():  # the nearest first
        if mark.name == "real":
            return None
        if mark.name == "emulator_only":
            return str(mark.args[0])
    raise pytest.UsageError(f"{item.nodeid} says neither `real` nor `emulator_only(why)`")


def split(items: Iterable[pytest.Item]) -> tuple[list[pytest.Item], dict[pytest.Item, str]]:
    """(tests for a real host, the others with their reasons)."""
    reasons = {item: reason_against(item) for item in items}
    return [item for item, why in reasons.items() if why is None], {item: why for item, why in reasons.items() if why}


def report(findings: Findings, reports: dict[str, list[Any]]) -> Iterator[str]:
    """The lines. `reports` has the test reports of each outcome of pytest."""
    if findings.host:
        yield findings.host
    for outcome, usual in OUTCOMES:
        for one in reports.get(outcome, []):
            if one.when == "call" or outcome in ("error", "skipped"):
                name = one.nodeid.removeprefix("tests/contract/")
                lines, word = _told(one, outcome), _word(one, usual)
                if outcome == "skipped":
                    yield f"{word:{WIDTH}} {name}: {lines[0]}"
                    continue
                yield f"{word:{WIDTH}} {name}"
                yield from (f"{'':{WIDTH}} {line}" for line in lines)
    yield f"emulator only: {findings.emulator_only.total()} tests"
    yield from (f"{count:{WIDTH}} {file}: {why}" for (file, why), count in sorted(findings.emulator_only.items()))
    yield from (f"{'REMOVED':{WIDTH}} {what}" for what in findings.removed)
    yield from (f"{'LEFT BEHIND':{WIDTH}} {what}" for what in findings.left)


def _word(one: Any, usual: str) -> str:
    """A test that ran well but could not tidy up is told twice, as both."""
    return "NOT TIDIED" if one.when == "teardown" else usual


def _told(one: Any, outcome: str) -> list[str]:
    """Up to three lines of what went otherwise, or why a test was not run."""
    if outcome == "skipped":
        return [str(one.longrepr[2]).removeprefix("Skipped: ")]
    crash = getattr(one.longrepr, "reprcrash", None)
    return crash.message.splitlines()[:3] if crash else []
