"""Turning a machine into a template: its disks become base images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.pve.errors import died
from lab.pve.qemu import drives
from lab.pve.qemu.guest import Guest, load
from lab.pve.storage import allocation, volumes

if TYPE_CHECKING:
    from lab.pve.tasks import Task


def check(guest: Guest) -> None:
    guest.check_lock()
    if guest.is_template:
        raise died("you can't convert a template to a template")
    if guest.running:
        raise died("you can't convert a VM to template if VM is running")


async def run(task: Task, vmid: int, node: str, only: str | None) -> None:
    """The worker; `only` converts one disk."""
    world = task.world
    async with world.locks.config(vmid):
        guest = load(world, vmid, node)
        check(guest)
        if only is None:
            guest.config["template"] = "1"
            guest.save()
        for drive in drives.of(guest.config):
            if drive.is_cdrom or only not in (None, drive.key):
                continue
            volume = volumes.get(world, drive.file, node)
            drive.file = await allocation.make_base(world, node, volume)
            task.log(f"  Renamed \"{volume['name'].replace('base-', 'vm-', 1)}\" to \"{volume['name']}\"")
            guest.config[drive.key] = drive.show()
            guest.save()
