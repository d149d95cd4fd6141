"""Time: the wall clock for stamps, and waits that a scale makes shorter."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """`scale` 1 waits as long as a real host would, 0.1 a tenth of it. Stamps are always true time."""

    def __init__(self, scale: float = 1.0) -> None:
        if scale < 0:
            raise ValueError("the time scale cannot be negative")
        self.scale = scale

    def now(self) -> int:
        """Seconds since the epoch."""
        return int(time.time())

    def monotonic(self) -> float:
        """Unscaled seconds that never run backwards."""
        return time.monotonic()

    def real(self, seconds: float) -> float:
        """How long `seconds` of a host take here."""
        return seconds * self.scale

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of a host's time."""
        await asyncio.sleep(self.real(seconds))
