"""A new virtual machine from nothing but its options: POST /nodes/{node}/qemu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.pve import pools
from lab.pve.errors import TaskError, died
from lab.pve.qemu import disks, drives, power, update
from lab.pve.qemu.guest import Guest, load, new_uuid
from lab.pve.storage import allocation

if TYPE_CHECKING:
    from lab.pve.registry import Call
    from lab.pve.tasks import Task
    from lab.pve.world import World

QEMU = "11.0.0"


def check_free(world: World, vmid: int) -> None:
    """500 when any guest of the cluster has the id."""
    taken = world.state.guests.get(str(vmid))
    if taken:
        kind = "VM" if taken["kind"] == "qemu" else "CT"
        raise died(f"unable to create VM {vmid} - {kind} {vmid} already exists on node '{taken['node']}'")


def read(call: Call) -> update.Change:
    """What is refused at once. The id is taken here, by a locked configuration, before the task starts."""
    world, vmid, node = call.world, int(call.vmid or 0), str(call.node)
    pool = call.params.get("pool")
    if pool and pool not in call.world.state.pools:
        raise died(f"pool '{pool}' does not exist")
    if call.params.get("archive"):
        raise died("restoring an archive is not emulated")
    change = update.read(call, vmid)
    if world.faults.take("id_taken", vmid=vmid, node=node):
        raise died(f"unable to create VM {vmid} - VM {vmid} already exists on node '{node}'")
    check_free(world, vmid)
    Guest.create(world, vmid, node, {"lock": "create"})
    return change


async def run(task: Task, vmid: int, node: str, change: update.Change, pool: str | None, start: bool) -> None:
    """The worker: disks are made, then the configuration is written."""
    world = task.world
    async with world.locks.config(vmid, 1):
        guest = load(world, vmid, node)
        made: dict[str, str] = {}
        try:
            made = await disks.make(world, node, vmid, change.drives, {}, task.log)
            _fill(world, guest, change, made)
        except BaseException as error:
            for key, value in made.items():
                await allocation.free(world, node, drives.parse(key, value).file)
            guest.remove()
            if isinstance(error, Exception):
                raise TaskError(f"unable to create VM {vmid} - {error}") from error
            raise
        if pool:
            pools.add_guest(world, pool, vmid)
    if start:
        task.log(f"TASK: starting VM {vmid}")
        await power.start(task, vmid, node)


def _fill(world: World, guest: Guest, change: update.Change, made: dict[str, str]) -> None:
    config = {**change.values, **made}
    config.setdefault("meta", f"creation-qemu={QEMU},ctime={world.clock.now()}")
    config.setdefault("vmgenid", new_uuid())
    if "uuid=" not in config.get("smbios1", ""):
        config["smbios1"] = ",".join(filter(None, [f"uuid={new_uuid()}", config.get("smbios1")]))
    if "boot" not in config:
        first = [key for key in made
                 if not drives.parse(key, made[key]).is_cdrom and not key.startswith(("efi", "tpm"))]
        order = [*first[:1], *(key for key in made if drives.parse(key, made[key]).is_cdrom), *sorted(
            key for key in config if key.startswith("net"))]
        if order:
            config["boot"] = f"order={';'.join(order)}"
    guest.config.clear()
    guest.config.update(config)
    guest.save()
