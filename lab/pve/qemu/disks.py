"""Disks that a request asks for: permission, and making them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.pve.errors import ParameterError, died
from lab.pve.qemu import drives, options, propstring
from lab.pve.qemu.drives import Drive
from lab.pve.storage import allocation, config, volumes

if TYPE_CHECKING:
    from lab.pve.registry import Call
    from lab.pve.world import World

GIB = 1024**3
EFI_SIZE = {"2m": 128 * 1024, "4m": 528 * 1024}
TPM_SIZE = 4 * 1024**2


def check_access(call: Call, vmid: int, wanted: dict[str, Drive], pool: str | None = None) -> None:
    """Privileges, storages and sources of all drives in a request; 403, 400 or 500."""
    for key, drive in wanted.items():
        privilege = "VM.Config.CDROM" if drive.is_cdrom else "VM.Config.Disk"
        options.require_on_vm(call, vmid, pool, (privilege,))
        if drive.new_cloudinit:
            options.require_on_vm(call, vmid, pool, ("VM.Config.Cloudinit",))
        if drive.file in ("none", "cdrom"):
            continue
        if drive.new_disk:
            # whether it is enabled, and on this node, is only found out by the worker
            storage = drive.new_disk[0]
            call.require(f"/storage/{storage}", "Datastore.AllocateSpace")
            if not config.holds(config.entry(call.world, storage), "images"):
                raise ParameterError({"storage": f"storage '{storage}' does not support vm images"})
        elif not drive.new_cloudinit:
            check_volume_access(call, vmid, drive.file)
        if "import-from" in drive.options:
            _check_import(call, vmid, key, drive)


def _check_import(call: Call, vmid: int, key: str, drive: Drive) -> None:
    source = drive.options["import-from"]
    if drive.new_disk is None or drive.new_disk[1] != 0:
        raise ParameterError({key: "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"})
    check_volume_access(call, vmid, source)
    volume = volumes.get(call.world, source, str(call.node))
    if volume["content"] not in ("images", "import"):
        raise died(f"{source} has wrong type '{volume['content']}' - needs to be 'images' or 'import'")


def check_volume_access(call: Call, vmid: int, volid: str) -> None:
    """May the caller use this volume, which is there already?"""
    if volid.startswith("/"):
        if call.identity != "root@pam":
            raise died("Only root can pass arbitrary filesystem paths.")
        return
    storage = volid.split(":", 1)[0]
    config.enabled_on(call.world, storage, str(call.node))
    volume = volumes.find(call.world, volid, str(call.node))
    content = volume["content"] if volume else "images"
    if content in ("iso", "vztmpl", "import"):
        call.require(f"/storage/{storage}", ("Datastore.AllocateSpace", "Datastore.Audit"), any=True)
    elif volume and volume["vmid"] and volume["vmid"] != vmid:
        call.require(f"/vms/{volume['vmid']}", "VM.Clone")
    elif volume and not volume["vmid"]:
        call.require(f"/storage/{storage}", "Datastore.Allocate")


async def make(world: World, node: str, vmid: int, wanted: dict[str, Drive], present: dict[str, str],
               log: Callable[[str], None]) -> dict[str, str]:
    """Allocate what the drives ask for; returns their final values. On an error, what was made is freed again."""
    made: list[str] = []
    values: dict[str, str] = {}
    try:
        for key, drive in wanted.items():
            other = drives.cloudinit_key({**present, **values}, besides=key)
            if drive.is_cloudinit and other:
                raise died(f"{key} - cloud-init drive is already attached at '{other}'")
            values[key] = await _make_one(world, node, vmid, drive, made)
            if drive.new_disk or drive.new_cloudinit:
                log(f"{key}: successfully created disk '{values[key]}'")
    except BaseException:
        for volid in made:
            await allocation.free(world, node, volid)
        raise
    return values


async def _make_one(world: World, node: str, vmid: int, drive: Drive, made: list[str]) -> str:
    if drive.new_cloudinit:
        volume = await allocation.allocate_cloudinit(world, node, drive.new_cloudinit, vmid)
        made.append(volume["volid"])
        return Drive(drive.key, volume["volid"], {"media": "cdrom"}).show()
    rest = {key: value for key, value in drive.options.items() if key not in ("import-from", "format", "size")}
    if drive.new_disk is None:
        return _existing(world, node, drive)
    storage, size_gib = drive.new_disk
    if "import-from" in drive.options:
        source = volumes.get(world, drive.options["import-from"], node)
        volume = await allocation.copy(world, node, source, storage, vmid, drive.options.get("format"))
    else:
        size = int(size_gib * GIB)
        if drive.key == "efidisk0":
            size = EFI_SIZE[rest.get("efitype", "2m")]
        elif drive.key == "tpmstate0":
            size = TPM_SIZE
        fmt = drive.options.get("format")
        volume = await allocation.allocate(world, node, storage, vmid, size, fmt=fmt)
    made.append(volume["volid"])
    return Drive(drive.key, volume["volid"], {**rest, "size": propstring.show_size(volume["size"])}).show()


def _existing(world: World, node: str, drive: Drive) -> str:
    """A volume that is there already: its real size is written down."""
    if drive.file in ("none", "cdrom") or drive.file.startswith("/"):
        return drive.show()
    volume = volumes.get(world, drive.file, node)
    shown = {**drive.options, "size": propstring.show_size(volume["size"])}
    if volume["content"] == "iso":
        shown["media"] = "cdrom"
    return Drive(drive.key, drive.file, shown).show()


async def dispose(world: World, node: str, vmid: int, conf: dict[str, str], drive: Drive, force: bool) -> None:
    """What becomes of a drive's volume when its key goes: kept as unusedN, freed with force; media are left alone."""
    volume = volumes.find(world, drive.file, node)
    if volume is None or volume["vmid"] != vmid:
        return
    if drive.is_cloudinit or force:
        await allocation.free(world, node, drive.file)
    elif not drive.is_cdrom:
        drives.add_unused(conf, drive.file)
