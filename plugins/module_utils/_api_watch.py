# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an API does not answer while something is done to it: asked again and again, and summed up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock

Answer = tuple[float, float, bool]
"""When the question was asked, when its answer (or its end) came, and whether it was a good one."""


def watch(ask: Callable[[], bool], go_on: Callable[[], bool], clock: Clock, interval: float, limit: float) -> list[Answer]:
    """Every answer until ``go_on`` says no, or ``limit`` seconds are over."""
    answers: list[Answer] = []
    end = clock.monotonic() + limit
    while go_on() and clock.monotonic() < end:
        asked = clock.now()
        good = ask()
        answers.append((asked, clock.now(), good))
        clock.sleep(max(0.0, interval - (clock.now() - asked)))
    return answers


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """``outages`` [{began, seconds}], the ``longest`` and their ``sum``. Pure.

    An outage is from the last good answer to the next one, so it is told too long rather than too short, by up to one
    interval.
    """
    outages = []
    last: float | None = None
    failed = False
    for asked, answered, good in answers:
        if good:
            if failed:
                outages.append(_outage(last, answered))
            last, failed = answered, False
        else:
            last, failed = (asked if last is None else last), True
    if failed:
        outages.append(_outage(last, answers[-1][1]))
    seconds = [outage["seconds"] for outage in outages]
    return {
        "outages": outages,
        "longest": max(seconds, default=0.0),
        "sum": round(float(sum(seconds)), 1),
        "asked": len(answers),
        "seconds": round(answers[-1][1] - answers[0][0], 1) if answers else 0.0,
    }


def _outage(began: float | None, ended: float) -> dict[str, Any]:
    start = ended if began is None else began
    return {
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start)),
        "seconds": round(ended - start, 1),
    }
