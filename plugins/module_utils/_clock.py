# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time as something that is handed in, so that tests need not sleep."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.detectviz.infra.plugins.module_utils._errors import DeadlineError


class Clock(Protocol):
    """Seconds, and waiting."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    def sleep(self, seconds: float) -> None:
        """Waits."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Deadline:
    """A moment after which waiting ends. ``at`` is in seconds of ``clock.monotonic()``, ``of`` names whose it is."""

    clock: Clock
    at: float
    of: str

    @classmethod
    def after(cls, clock: Clock, seconds: float, of: str, outer: Deadline | None = None) -> Deadline:
        """``seconds`` from now, but never later than the outer deadline."""
        at = clock.monotonic() + seconds
        return cls(clock, min(at, outer.at) if outer else at, of)

    def left(self) -> float:
        """Seconds that are left, 0 when it has passed."""
        return max(0.0, self.at - self.clock.monotonic())

    def check(self, awaited: str) -> None:
        """Raises DeadlineError when the time is over."""
        if self.left() <= 0:
            raise DeadlineError(
                f"{self.of}: its time is over while waiting for {awaited}; raise timeout, or look at it"
            )

    def pause(self, seconds: float, awaited: str) -> None:
        """Waits ``seconds``, or what is left of the time, and raises DeadlineError when it is over."""
        self.check(awaited)
        self.clock.sleep(min(seconds, self.left()))
