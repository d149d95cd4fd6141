"""The few worker processes of a node. Each runs one handler at a time and blocks on it, so a slow call stalls others.

pveproxy answers what is not `protected`; it forwards the rest to pvedaemon of the node, and waits 30 seconds for it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from lab.pve.errors import ApiError

if TYPE_CHECKING:
    from lab.pve.clock import Clock

WORKERS = 3
FORWARD_TIMEOUT = 30.0
# Seconds of a worker for a request itself, before whatever its handler waits for [estimates].
PROXY_READ, DAEMON_READ, DAEMON_WRITE = 0.01, 0.02, 0.1
# A scaled timeout never ends sooner than this in true seconds: our own Python is not scaled.
_FLOOR = 1.5


class Workers:
    """Slots per node and daemon."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots: dict[tuple[str, str], asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(WORKERS))
        self._behind: set[asyncio.Task] = set()  # forwarded calls that go on after their caller gave up

    async def run(self, node: str, *, protected: bool, writes: bool, work: Callable[[], Awaitable[Any]]) -> Any:
        """The handler's result. A protected one may outlive its 30 seconds: the caller gets 596, the work goes on."""
        if not protected:
            return await self._in_slot(("pveproxy", node), PROXY_READ, work)
        job = asyncio.ensure_future(self._in_slot(("pvedaemon", node), DAEMON_WRITE if writes else DAEMON_READ, work))
        self._behind.add(job)
        job.add_done_callback(self._finished)
        done, _pending = await asyncio.wait({job}, timeout=max(_FLOOR, self._clock.real(FORWARD_TIMEOUT)))
        if not done:
            raise ApiError(596, "Connection timed out")
        return job.result()

    async def _in_slot(self, slot: tuple[str, str], seconds: float, work: Callable[[], Awaitable[Any]]) -> Any:
        async with self._slots[slot]:
            await self._clock.sleep(seconds)
            return await work()

    def _finished(self, job: asyncio.Task) -> None:
        self._behind.discard(job)
        if not job.cancelled():
            job.exception()  # looked at, so that an abandoned call's error is no warning
