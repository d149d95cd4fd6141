"""Growing and moving disks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.pve.errors import died
from lab.pve.qemu import drives, propstring
from lab.pve.qemu.drives import Drive
from lab.pve.qemu.guest import Guest, load
from lab.pve.storage import allocation, config, volumes

if TYPE_CHECKING:
    from lab.pve.tasks import Task


def drive_of(guest: Guest, key: str) -> Drive:
    """500 unless it is a disk of the machine."""
    if key not in guest.config:
        raise died(f"disk '{key}' does not exist")
    drive = drives.parse(key, guest.config[key])
    if drive.is_cdrom:
        raise died("you can't resize a cdrom")
    return drive


async def grow(task: Task, vmid: int, node: str, key: str, size: str, digest: str | None,
               may_use: Callable[[str], None]) -> None:
    """`size` is absolute, or relative with a plus sign. Equal is no error, smaller is. `may_use` checks a storage."""
    world = task.world
    async with world.locks.config(vmid):
        guest = load(world, vmid, node)
        guest.check_digest(digest)
        guest.check_lock()
        drive = drive_of(guest, key)
        may_use(str(drive.storage))
        volume = volumes.get(world, drive.file, node)
        wanted = propstring.parse_size(size.removeprefix("+"))
        if size.startswith("+"):
            wanted += volume["size"]
        if wanted < volume["size"]:
            raise died("shrinking disks is not supported")
        if wanted == volume["size"]:
            return
        task.log(f"update VM {vmid}: resize --disk {key} --size {size}")
        await task.sleep(0.3)
        found = config.entry(world, volume["storage"])
        volume["size"] = volumes.rounded(found, wanted)
        if not config.is_thin(found):
            volume["used"] = volume["size"]
        volumes.save(world, volume)
        drive.options["size"] = propstring.show_size(volume["size"])
        guest.config[key] = drive.show()
        guest.save()
        task.log(f"  Size of logical volume changed to {drive.options['size']}.")


async def move(task: Task, vmid: int, node: str, key: str, storage: str, fmt: str | None, delete: bool,
               digest: str | None) -> None:
    """Copy a disk to another storage; the old volume stays as unusedN unless `delete`."""
    world = task.world
    async with world.locks.config(vmid):
        guest = load(world, vmid, node)
        guest.check_digest(digest)
        guest.check_lock()
        drive = drives.parse(key, guest.config[key])
        source = volumes.get(world, drive.file, node)
        task.log(f"create full clone of drive {key} ({drive.file})")
        copied = await allocation.copy(world, node, source, storage, vmid, fmt)
        old, drive.file = drive.file, copied["volid"]
        guest.config[key] = drive.show()
        if delete:
            guest.save()
            try:
                await allocation.free(world, node, old)
            except Exception as error:
                task.warn(str(error))
                drives.add_unused(guest.config, old)
        else:
            drives.add_unused(guest.config, old)
        guest.save()


def check_move(guest: Guest, key: str, storage: str | None, fmt: str | None) -> None:
    """Refused at once."""
    if key not in guest.config:
        raise died(f"disk '{key}' does not exist")
    drive = drives.parse(key, guest.config[key])
    if drive.is_cdrom and not drive.is_cloudinit:
        raise died("you can't move a cdrom")
    found = config.enabled_on(guest.world, str(storage), guest.node)
    if not config.holds(found, "images"):
        raise died(f"storage '{storage}' does not support content-type 'images'")
    current = volumes.get(guest.world, drive.file, guest.node)
    if storage == drive.storage and (fmt is None or fmt == current["format"]):
        raise died("you can't move to the same storage with same format")
