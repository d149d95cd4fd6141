"""Power: start, shut down, stop, reboot, reset. Each function is a worker's step."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from lab.pve.errors import LockTimeout, TaskError
from lab.pve.guests.backend import BackendError
from lab.pve.qemu import cloudinit, drives, snippets, spec, update
from lab.pve.qemu.guest import Guest, load

if TYPE_CHECKING:
    from lab.pve.tasks import Task
    from lab.pve.world import World

SHUTDOWN_TIMEOUT = 180


async def start(task: Task, vmid: int, node: str) -> None:
    """Pending changes are taken over and the cloud-init drive is made anew before QEMU comes up."""
    world = task.world
    async with world.locks.config(vmid):
        guest = load(world, vmid, node)
        if guest.is_template:
            raise TaskError("you can't start a vm if it's a template")
        guest.check_lock()
        if await guest.is_running():
            raise TaskError(f"VM {vmid} already running")
        await _power_on(task, guest)


async def _power_on(task: Task, guest: Guest) -> None:
    world = task.world
    await update.settle_all(guest)
    cores, host = spec.cores_of(guest.config), world.state.nodes[guest.node].get("cpus")
    if host and cores > int(host):
        raise TaskError(f"MAX {host} vcpus allowed per VM on this node")
    custom = await snippets.read(guest) if drives.cloudinit_key(guest.config) else {}
    wanted = spec.build(guest, task, custom)
    if world.faults.take("boot_failure", vmid=guest.vmid, node=guest.node):
        wanted.image_sha256 = None
    if drives.cloudinit_key(guest.config):
        task.log("generating cloud-init ISO")
        guest.record["cloudinit"] = cloudinit.used_values(guest.config)
    guest.save()
    await task.sleep(world.profile.start)
    try:
        await world.backend.start(wanted)
    except BackendError as error:
        raise TaskError(f"start failed: {error}") from error
    guest.record.update(running=True, started=world.clock.now())
    guest.save()


async def shutdown(task: Task, vmid: int, node: str, timeout: float | None, force: bool) -> None:
    """Ask the system to power off, and pull the plug after the timeout when told to."""
    async with task.world.locks.config(vmid):
        guest = load(task.world, vmid, node)
        guest.check_lock()
        if await guest.is_running():
            await _power_off(task, guest, SHUTDOWN_TIMEOUT if timeout is None else timeout, force)


async def _power_off(task: Task, guest: Guest, timeout: float, force: bool) -> None:
    backend = task.world.backend
    try:
        await asyncio.wait_for(backend.shutdown(guest.vmid), max(task.world.clock.real(timeout), 0.05))
    except asyncio.TimeoutError as error:
        if not force:
            raise TaskError("VM quit/powerdown failed - got timeout") from error
        task.log("VM quit/powerdown failed - terminating now with SIGTERM")
        await backend.stop(guest.vmid)
    except BackendError as error:
        raise TaskError(f"VM quit/powerdown failed - {error}") from error
    await _off(guest)


async def stop(task: Task, vmid: int, node: str) -> None:
    """Pull the plug; nothing to do when it is off."""
    async with task.world.locks.config(vmid):
        guest = load(task.world, vmid, node)
        guest.check_lock()
        if await guest.is_running():
            await task.sleep(0.3)
            await task.world.backend.stop(vmid)
            await _off(guest)


async def _off(guest: Guest) -> None:
    """A machine that is off takes over what was pending."""
    guest.record.update(running=False, started=None)
    await update.settle_all(guest)
    guest.save()


async def reboot(task: Task, vmid: int, node: str, timeout: float | None) -> None:
    """Shut down and start again, with pending changes taken over."""
    async with task.world.locks.config(vmid):
        guest = load(task.world, vmid, node)
        guest.check_lock()
        await _power_off(task, guest, SHUTDOWN_TIMEOUT if timeout is None else timeout, force=False)
        await _power_on(task, guest)


async def reset(task: Task, vmid: int, node: str) -> None:
    async with task.world.locks.config(vmid):
        guest = load(task.world, vmid, node)
        guest.check_lock()
        try:
            await task.world.backend.reset(vmid)
        except BackendError as error:
            raise TaskError(str(error)) from error


async def follow_backend(world: World) -> None:
    """Note which guests came or went without us. One that is being worked on is left to who does."""
    running = await world.backend.running()
    for record in list(world.state.guests.values()):
        if record["kind"] != "qemu" or record["running"] == (record["vmid"] in running):
            continue
        with contextlib.suppress(LockTimeout):
            async with world.locks.config(record["vmid"], 0):
                await Guest(world, record).is_running()


async def watch_backend(world: World) -> None:
    """Again and again, as pvestatd does: a system may power itself off."""
    while True:
        await asyncio.sleep(max(world.clock.real(10), 1))
        await follow_backend(world)
