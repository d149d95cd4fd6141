"""Clones: checks before the task, then the copy with its locks, and its clean-up when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.pve import pools
from lab.pve.errors import ParameterError, TaskError, died
from lab.pve.network import bridges
from lab.pve.qemu import drives, nets, propstring
from lab.pve.qemu.drives import Drive
from lab.pve.qemu.guest import Guest, load, new_uuid
from lab.pve.storage import allocation, config, volumes

if TYPE_CHECKING:
    from lab.pve.registry import Call
    from lab.pve.tasks import Task
    from lab.pve.world import World


@dataclass
class Order:
    """A checked request."""

    source: int
    node: str
    newid: int
    full: bool
    target: str
    name: str | None = None
    description: str | None = None
    storage: str | None = None
    fmt: str | None = None
    pool: str | None = None


def read(call: Call) -> Order:
    """What is refused at once, before a task is forked."""
    params, world, node = call.params, call.world, str(call.node)
    target = params.get("target") or node
    if params.get("pool") and params["pool"] not in world.state.pools:
        raise died(f"pool '{params['pool']}' does not exist")
    if target not in world.state.nodes:
        raise died(f"no such cluster node '{target}'")
    if params.get("storage"):
        _check_target_storage(world, params["storage"], node, target)
    guest = load(world, int(call.vmid or 0), node)
    order = Order(guest.vmid, node, params["newid"], bool(params.get("full", not guest.is_template)), target,
                  params.get("name"), params.get("description"), params.get("storage"), params.get("format"),
                  params.get("pool"))
    guest.check_lock()
    if params.get("snapname"):
        raise died(f"snapshot '{params['snapname']}' does not exist")
    _check_options(order)
    _check_sources(call, order, guest)
    for _index, net in nets.of(guest.config):
        bridges.check_use(call, net)
    check(world, order, guest)
    return order


def _check_target_storage(world: World, storage: str, node: str, target: str) -> None:
    found = config.enabled_on(world, storage, node)
    if not config.holds(found, "images"):
        raise ParameterError({"storage": f"storage '{storage}' does not support vm images"})
    if target != node:
        config.enabled_on(world, storage, target)
        if not config.is_shared(found):
            raise died(f"can't clone to non-shared storage '{storage}'")


def _check_options(order: Order) -> None:
    for name, value in (("storage", order.storage), ("format", order.fmt)):
        if value and not order.full:
            raise died(f"parameter '{name}' not allowed for linked clones")


def _check_sources(call: Call, order: Order, guest: Guest) -> None:
    for drive in drives.of(guest.config):
        if drive.storage and (not drive.is_cdrom or drive.is_cloudinit):
            used = order.storage or drive.storage
            call.require(f"/storage/{used}", "Datastore.AllocateSpace")
            found = config.enabled_on(call.world, drive.storage, order.node)
            if order.target != order.node and not config.is_shared(found):
                raise died(f"can't clone VM to node '{order.target}' (VM uses local storage)")


def check(world: World, order: Order, guest: Guest) -> None:
    """Checked at once, and again in the worker under the locks."""
    guest.check_lock()
    if str(order.newid) in world.state.guests and world.state.guests[str(order.newid)]["node"] == order.node:
        raise died(f"unable to create VM {order.newid}: config file already exists")
    if order.full:
        return
    for drive in drives.of(guest.config):
        if drive.storage and not drive.is_cdrom and not _can_be_linked(world, drive):
            raise died(f"Linked clone feature is not supported for '{drive.file}' ({drive.key})")


def _can_be_linked(world: World, drive: Drive) -> bool:
    """Only base images of templates can, and not on plain LVM."""
    name = drive.file.split(":", 1)[1].rsplit("/", 1)[-1]
    return name.startswith("base-") and world.state.storages[str(drive.storage)]["type"] != "lvm"


async def run(task: Task, order: Order) -> None:
    """The worker. Source lock shared (exclusive while it runs), target lock exclusive, one second each."""
    world = task.world
    source_running = load(world, order.source, order.node).running
    async with world.locks.config(order.source, 1, shared=not source_running), world.locks.config(order.newid, 1):
        source = load(world, order.source, order.node)
        check(world, order, source)
        _check_free(world, order)
        guest = Guest.create(world, order.newid, order.node, {"lock": "clone"})
        made: list[str] = []
        try:
            await _copy(task, order, source, guest, made)
        except BaseException as error:
            for volid in made:
                await allocation.free(world, order.node, volid)
            guest.remove()
            if isinstance(error, Exception):
                raise TaskError(f"clone failed: {error}") from error
            raise


def _check_free(world: World, order: Order) -> None:
    """An id on another node, or of a container, is only met when the file is written."""
    if world.faults.take("id_taken", vmid=order.newid, node=order.node):
        raise died(f"unable to create VM {order.newid}: config file already exists")
    if str(order.newid) in world.state.guests:
        raise died(f"close (rename) atomic file '/etc/pve/nodes/{order.node}/qemu-server/{order.newid}.conf' failed: "
                   "File exists")


async def _copy(task: Task, order: Order, source: Guest, guest: Guest, made: list[str]) -> None:
    """All keys are inherited but identity: addresses, uuid, name. Pending changes of the source are not copied."""
    fresh = {"lock": "clone"}
    for key, value in source.config.items():
        if key in ("lock", "template") or drives.is_unused(key):
            continue
        if nets.is_net(key):
            value = nets.show({**nets.parse(value), "macaddr": nets.new_mac()})
        fresh[key] = value
    fresh["name"] = order.name or f"Copy-of-VM-{source.config.get('name', order.source)}"
    fresh["smbios1"] = propstring.merge(str(source.config.get("smbios1", "")), {"uuid": new_uuid()})
    if "vmgenid" in fresh:
        fresh["vmgenid"] = new_uuid()
    if order.description is not None:
        fresh["description"] = order.description.rstrip("\n")
    guest.config.update({key: value for key, value in fresh.items() if not drives.is_drive(key)})
    guest.save()
    for drive in drives.of(source.config):
        guest.config[drive.key] = (await _copy_drive(task, order, drive, made)).show()
        guest.save()
    del guest.config["lock"]
    if order.target != order.node:
        guest.record["node"] = order.target
    guest.save()
    if order.pool:
        pools.add_guest(task.world, order.pool, order.newid)


async def _copy_drive(task: Task, order: Order, drive: Drive, made: list[str]) -> Drive:
    world, node = task.world, order.node
    if drive.is_cloudinit:
        volume = await allocation.allocate_cloudinit(world, node, order.storage or str(drive.storage), order.newid)
        made.append(volume["volid"])
        return Drive(drive.key, volume["volid"], {**drive.options, "size": "4M"})
    if drive.is_cdrom:
        return drive
    original = volumes.get(world, drive.file, node)
    if order.full:
        task.log(f"create full clone of drive {drive.key} ({drive.file})")
        storage = order.storage or original["storage"]
        volume = await allocation.copy(world, node, original, storage, order.newid, order.fmt)
        size = propstring.show_size(volume["size"])
        task.log(f"transferred {size} of {size} (100.00%)")
    else:
        task.log(f"create linked clone of drive {drive.key} ({drive.file})")
        volume = await allocation.clone_linked(world, node, original, order.newid)
    made.append(volume["volid"])
    return Drive(drive.key, volume["volid"], {**drive.options, "size": propstring.show_size(volume["size"])})
