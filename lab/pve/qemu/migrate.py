"""Moving a machine to another node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.pve.errors import ParameterError, TaskError, died
from lab.pve.profiles import times_of
from lab.pve.qemu import drives
from lab.pve.qemu.guest import Guest, load
from lab.pve.storage import config, volumes

if TYPE_CHECKING:
    from lab.pve.tasks import Task

MIB = 1024**2


def local_volumes(guest: Guest) -> list[dict]:
    """Volumes that would have to be copied."""
    found = [volumes.find(guest.world, drive.file, guest.node) for drive in drives.of(guest.config)]
    return [volume for volume in found if volume and volume["node"] is not None]


def check(guest: Guest, target: str, online: bool) -> None:
    """Refused at once."""
    if target == guest.node:
        raise ParameterError({"target": "target is local node."})
    if target not in guest.world.state.nodes:
        raise died(f"no such cluster node '{target}'")
    if guest.running and not online:
        raise died("can't migrate running VM without --online")
    guest.check_lock()


async def run(task: Task, vmid: int, node: str, target: str, online: bool) -> None:
    """The worker. Offline, local disks go with it to a storage of the same name."""
    world = task.world
    async with world.locks.config(vmid):
        guest = load(world, vmid, node)
        check(guest, target, online)
        local = local_volumes(guest)
        if guest.running and local:
            raise TaskError("migration aborted: can't live migrate attached local disks without with-local-disks "
                            "option")
        guest.config["lock"] = "migrate"
        guest.save()
        task.log(f"starting migration of VM {vmid} to node '{target}'")
        try:
            for volume in local:
                config.enabled_on(world, volume["storage"], target)
                if volume["parent"]:
                    raise TaskError(f"can't migrate local disk '{volume['volid']}': it is a linked clone")
                task.log(f"copying local disk image {volume['volid']}")
                kind = world.state.storages[volume["storage"]]["type"]
                await task.sleep(volume["used"] / MIB / times_of(kind).copy_mb_s)
            await task.sleep(1)
            for volume in local:
                volumes.remove(world, volume)
                facts = {key: value for key, value in volume.items() if key not in ("volid", "node", "storage", "name")}
                volumes.add(world, volume["volid"], target, **facts)
            guest.record["node"] = target
        finally:
            guest.config.pop("lock", None)
            guest.save()
        task.log("migration finished successfully (duration 00:00:01)")
