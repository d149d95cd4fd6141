"""Destroying a machine: refused early, done under its lock, volume by volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.pve import pools
from lab.pve.errors import died
from lab.pve.qemu import drives
from lab.pve.qemu.guest import Guest, load
from lab.pve.storage import allocation, volumes

if TYPE_CHECKING:
    from lab.pve.tasks import Task


def check(guest: Guest, purge: bool) -> None:
    """At once, and again in the worker."""
    if guest.config.get("protection") == "1":
        raise died(f"can't remove VM {guest.vmid} - protection mode enabled")
    if guest.record.get("ha") and not purge:
        raise died(f"unable to remove VM {guest.vmid} - used in HA resources and purge parameter not set.")
    if guest.running:
        raise died(f"VM {guest.vmid} is running - destroy failed")


async def run(task: Task, vmid: int, node: str, purge: bool, unreferenced: bool) -> None:
    """The worker."""
    world = task.world
    async with world.locks.config(vmid):
        guest = load(world, vmid, node)
        check(guest, purge)
        guest.check_lock()
        files = [drive.file for drive in drives.of(guest.config)] + list(drives.unused_volumes(guest.config).values())
        own = [file for file in files if (found := volumes.find(world, file, node)) and found["vmid"] == vmid]
        if unreferenced:
            own += [volume["volid"] for volume in volumes.owned(world, vmid, node) if volume["volid"] not in own]
        for file in own:
            if volumes.linked_to(world, volumes.get(world, file, node)):
                raise died(f"base volume '{file}' is still in use by linked cloned")
        for file in own:
            await allocation.free(world, node, file)
            task.log(f"  Logical volume \"{file.split(':', 1)[1]}\" successfully removed.")
        await world.backend.destroy(vmid)
        if purge:
            task.log(f"purging VM {vmid} from related configurations..")
        guest.remove()
        pools.forget_guest(world, vmid)
