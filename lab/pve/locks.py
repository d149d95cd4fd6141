"""Locks of a node and of the cluster, with the texts and waiting times of Proxmox VE.

    async with world.locks.flock("/var/lock/qemu-server/lock-101.conf", 10): ...
    async with world.locks.config(101): ...                     10 s by default, clone uses 1 s
    async with world.locks.storage("pve", "local-lvm", shared=False): ...

A lock that is not had in time raises LockTimeout with the text a client of Proxmox VE sees.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from lab.pve.context import ORIGIN
from lab.pve.errors import LockTimeout

if TYPE_CHECKING:
    from lab.pve.clock import Clock
    from lab.pve.faults import Faults

# A busy machine must not make timeouts that a real host would not have: added to scaled waits, in true seconds.
GRACE = 0.5


class _Lock:
    """Many readers or one writer; who holds it is known, so that a killed worker's locks can be dropped."""

    def __init__(self) -> None:
        self.holders: list[tuple[object, bool]] = []
        self.changed = asyncio.Event()

    def free_for(self, shared: bool) -> bool:
        return not self.holders or (shared and all(is_shared for _owner, is_shared in self.holders))


class Locks:
    """All locks of the emulated cluster, in memory: a restarted host holds none."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        self._locks: dict[str, _Lock] = {}

    @contextlib.asynccontextmanager
    async def flock(self, path: str, timeout: float = 10, *, shared: bool = False,
                    node: str = "") -> AsyncIterator[None]:
        """A file lock of one node. `shared` lets readers in together."""
        text = f"can't lock file '{path}' - got timeout"
        async with self._hold(f"{node}:{path}", timeout, shared, text, poll=0):
            yield

    def config(self, vmid: int, timeout: float = 10, *, shared: bool = False) -> contextlib.AbstractAsyncContextManager:
        """The lock of one virtual machine's configuration."""
        return self.flock(f"/var/lock/qemu-server/lock-{vmid}.conf", timeout, shared=shared)

    def storage(self, node: str, storage: str, *, shared: bool) -> contextlib.AbstractAsyncContextManager:
        """The lock around each allocation. A shared storage is locked for the whole cluster, tried once a second."""
        if shared:
            text = f"cfs-lock 'storage-{storage}' error: got lock request timeout"
            return self._hold(f"cfs:storage-{storage}", 10, False, text, poll=1.0)
        return self.flock(f"/var/lock/pve-manager/pve-storage-{storage}", 10, node=node)

    def drop(self, owner: object) -> None:
        """Free what a killed worker held: the kernel does that for file locks."""
        for lock in self._locks.values():
            kept = [entry for entry in lock.holders if entry[0] != owner]
            if len(kept) != len(lock.holders):
                lock.holders = kept
                lock.changed.set()

    @contextlib.asynccontextmanager
    async def _hold(self, name: str, timeout: float, shared: bool, text: str, poll: float) -> AsyncIterator[None]:
        if self._faults.take("lock_timeout", lock=name.split(":", 1)[1]):
            await self._clock.sleep(timeout)
            raise LockTimeout(text)
        lock = self._locks.setdefault(name, _Lock())
        origin = ORIGIN.get()
        entry = (origin.upid if origin and origin.upid else object(), shared)
        deadline = self._clock.monotonic() + self._clock.real(timeout) + (GRACE if self._clock.scale < 1 else 0)
        while not lock.free_for(shared):
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise LockTimeout(text)
            await self._wait(lock, left, poll)
        lock.holders.append(entry)
        try:
            yield
        finally:
            if entry in lock.holders:
                lock.holders.remove(entry)
            lock.changed.set()

    async def _wait(self, lock: _Lock, left: float, poll: float) -> None:
        """Until the lock changes hands; a cluster lock is only looked at every `poll` seconds."""
        if poll:
            await asyncio.sleep(min(left, max(self._clock.real(poll), 0.005)))
            return
        lock.changed.clear()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(lock.changed.wait(), left)
