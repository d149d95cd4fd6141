"""Many guests in one task: it starts a task of its own for each and waits, a few at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from lab.pve.errors import ApiError
from lab.pve.qemu import ha, power, propstring
from lab.pve.qemu.guest import Guest, guests_of

if TYPE_CHECKING:
    from lab.pve.registry import Call
    from lab.pve.tasks import Task
    from lab.pve.world import World


def ids(value: Any) -> list[int] | None:
    """A list of ids, given as array or as text; None is all."""
    if value is None:
        return None
    if isinstance(value, list):
        return [int(item) for item in value]
    return [int(item) for item in re.split(r"[\s,;\0]+", str(value)) if item]


def node_width(world: World, node: str) -> int:
    """Guests at a time: max_workers of the datacenter, else the host's CPUs but one, at most 8."""
    wanted = world.state.options.get("datacenter", {}).get("max_workers")
    return int(wanted or min(max(int(world.state.nodes[node].get("cpus") or 4) - 1, 1), 8))


def _allowed(call: Call, wanted: list[int] | None) -> None:
    """VM.PowerMgmt on all, or on each that is named."""
    if call.can("/", "VM.PowerMgmt"):
        return
    if wanted is None:
        raise ApiError(403, "Permission check failed (/, VM.PowerMgmt)")
    for vmid in wanted:
        call.require(f"/vms/{vmid}", "VM.PowerMgmt")


def startable(call: Call, node: str | None, wanted: list[int] | None, force: bool) -> list[Guest]:
    """The guests to start, in their startup order."""
    _allowed(call, wanted)
    found = [guest for guest in guests_of(call.world, node)
             if _meant(guest, wanted) and not guest.is_template
             and (force or propstring.truth(guest.config.get("onboot", 0)))]
    return sorted(found, key=_order)


def stoppable(call: Call, node: str | None, wanted: list[int] | None) -> list[Guest]:
    _allowed(call, wanted)
    found = [guest for guest in guests_of(call.world, node)
             if _meant(guest, wanted) and guest.running]
    return sorted(found, key=_order, reverse=True)


def _meant(guest: Guest, wanted: list[int] | None) -> bool:
    """Where no ids are given, guests under HA are left to their manager."""
    return not guest.record.get("ha") if wanted is None else guest.vmid in wanted


def _order(guest: Guest) -> tuple[float, int]:
    startup = propstring.parse(str(guest.config.get("startup", "")), "order")
    return (float(startup["order"]) if startup.get("order", "").isdigit() else float("inf"), guest.vmid)


async def start(call: Call, task: Task, guests: list[Guest], width: int) -> None:
    """Guests that run already are passed over; one that fails is a warning here and an error in its own task."""

    async def one(guest: Guest) -> str | None:
        if await guest.is_running():
            task.log(f"VM {guest.vmid} is already running")
            return None
        task.log(f"Starting VM {guest.vmid}")
        return _child(call, "qmstart", guest, lambda child: power.start(child, guest.vmid, guest.node))

    await _each(call, task, guests, width, one, "Starting")


async def stop(call: Call, task: Task, guests: list[Guest], width: int, timeout: int, force: bool) -> None:
    async def one(guest: Guest) -> str | None:
        task.log(f"Stopping VM {guest.vmid} (timeout = {timeout} seconds)")
        return _child(call, "qmshutdown", guest,
                      lambda child: power.shutdown(child, guest.vmid, guest.node, timeout, force))

    await _each(call, task, guests, width, one, "Stopping")


def _child(call: Call, kind: str, guest: Guest, worker: Callable[[Task], Awaitable[None]]) -> str:
    if guest.record.get("ha"):
        own, kind = kind, "hastart" if kind == "qmstart" else "hastop"
        worker = ha.asked(kind, own, guest, worker)
    return call.world.tasks.start(kind, str(guest.vmid), worker, node=guest.node, identity=call.identity,
                                  origin=call.origin)


async def _each(call: Call, task: Task, guests: list[Guest], width: int,
                one: Callable[[Guest], Awaitable[str | None]], verb: str) -> None:
    slots = asyncio.Semaphore(width)

    async def run(guest: Guest) -> None:
        async with slots:
            upid = await one(guest)
            status = await call.world.tasks.wait(upid) if upid else "OK"
            if status != "OK" and not str(status).startswith("WARNINGS"):
                task.warn(f"{verb} VM {guest.vmid} failed: {status}")

    await asyncio.gather(*(run(guest) for guest in guests))
