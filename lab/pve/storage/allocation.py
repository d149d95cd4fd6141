"""Making and freeing volumes: under the storage's lock, for as long as a host of the profile takes.

Each function is a step of a worker and raises the text the worker would die with. A volume is recorded before the
hold time passes, so a worker that is killed in between leaves an orphan, as on a real host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.pve.errors import died
from lab.pve.profiles import times_of
from lab.pve.storage import config, volumes

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from lab.pve.world import World

CLOUD_INIT_SIZE = 4 * 1024**2
MIB = 1024**2


async def allocate(world: World, node: str, storage: str, vmid: int, size: int, *, fmt: str | None = None,
                   name: str | None = None, used: int = 0, image_sha256: str | None = None) -> dict[str, Any]:
    """A new volume of `size` bytes, of which `used` will be written. `name` is free of suffix (vm-101-cloudinit)."""
    found = config.enabled_on(world, storage, node)
    if not config.holds(found, "images"):
        raise died(f"storage '{storage}' does not support content-type 'images'")
    supported, default = config.formats(found)
    fmt = fmt or default
    if fmt not in supported:
        raise died(f"unsupported format '{fmt}'")
    size = volumes.rounded(found, size)
    async with _lock(world, node, found):
        suffix = volumes.suffix_for(found, fmt)
        full_name = f"{name}{suffix}" if name else volumes.free_name(world, storage, node, vmid, suffix)
        volid = volumes.volid_for(found, vmid, full_name)
        if volumes.find(world, volid, node):
            raise died(f"unable to create image: '{volid}' already exists")
        _check_space(world, node, found, full_name, size, used)
        volume = volumes.add(world, volid, node, vmid=vmid, size=size, format=fmt, image_sha256=image_sha256,
                             used=used if config.is_thin(found) else size)
        await world.clock.sleep(times_of(found["type"]).allocate)
    return volume


async def allocate_cloudinit(world: World, node: str, storage: str, vmid: int) -> dict[str, Any]:
    """The small volume that holds the cloud-init seed."""
    found = config.enabled_on(world, storage, node)
    fmt = "qcow2" if found["type"] in config.FILE_BASED else None
    return await allocate(world, node, storage, vmid, CLOUD_INIT_SIZE, fmt=fmt, name=f"vm-{vmid}-cloudinit",
                          used=CLOUD_INIT_SIZE)


async def clone_linked(world: World, node: str, volume: dict[str, Any], vmid: int) -> dict[str, Any]:
    """A linked clone of a base volume, on the same storage."""
    found = config.enabled_on(world, volume["storage"], node)
    async with _lock(world, node, found):
        fmt = "qcow2" if found["type"] in config.FILE_BASED else volume["format"]
        name = volumes.free_name(world, volume["storage"], node, vmid, volumes.suffix_for(found, fmt))
        _check_space(world, node, found, name, volume["size"], 0)
        clone = volumes.add(world, volumes.volid_for(found, vmid, name, parent=volume), node, vmid=vmid,
                            size=volume["size"], format=fmt, parent=volume["volid"],
                            image_sha256=volume["image_sha256"])
        await world.clock.sleep(times_of(found["type"]).clone)
    return clone


async def copy(world: World, node: str, source: dict[str, Any], storage: str, vmid: int,
               fmt: str | None = None) -> dict[str, Any]:
    """A full copy: the lock is held to allocate, not while data flows."""
    written = _written(world, source, node)
    copied = await allocate(world, node, storage, vmid, source["size"], fmt=fmt, used=written,
                            image_sha256=source["image_sha256"])
    await world.clock.sleep(written / MIB / times_of(config.entry(world, storage)["type"]).copy_mb_s)
    return copied


async def free(world: World, node: str, volid: str) -> None:
    """Remove a volume for good; no error when it is gone already."""
    volume = volumes.find(world, volid, node)
    if volume is None:
        return
    found = config.entry(world, volume["storage"])
    async with _lock(world, node, found):
        if volumes.linked_to(world, volume):
            raise died(f"base volume '{volid}' is still in use by linked cloned")
        await world.clock.sleep(times_of(found["type"]).free)
        volumes.remove(world, volume)


async def make_base(world: World, node: str, volume: dict[str, Any]) -> str:
    """Turn a volume into a base image of a template; returns its new id."""
    found = config.enabled_on(world, volume["storage"], node)
    if found["type"] == "lvm":
        raise died(f"Linked clone feature is not supported for volume '{volume['volid']}'")
    async with _lock(world, node, found):
        await world.clock.sleep(times_of(found["type"]).clone)
        head, slash, _name = volume["volid"].rpartition("/")
        base = volume["name"].replace("vm-", "base-", 1)
        volid = f"{head}{slash}{base}" if slash else f"{volume['storage']}:{base}"
        volumes.rename(world, volume, volid)
    return volid


def _written(world: World, volume: dict[str, Any], node: str) -> int:
    """Bytes of data in a volume, those of its base included."""
    parent = volumes.find(world, volume["parent"], node) if volume["parent"] else None
    return volume["used"] + (_written(world, parent, node) if parent else 0)


def _lock(world: World, node: str, found: dict[str, Any]) -> AbstractAsyncContextManager:
    return world.locks.storage(node, found["storage"], shared=config.is_shared(found))


def _check_space(world: World, node: str, found: dict[str, Any], name: str, size: int, used: int) -> None:
    """The error of each kind of storage when it is full."""
    need = used if config.is_thin(found) else size
    available = volumes.usage(world, found["storage"], node)["avail"]
    full = world.faults.take("storage_full", storage=found["storage"], node=node)
    if not full and need <= available:
        return
    kind, group = found["type"], found.get("vgname", "pve")
    raise died({
        "lvm": f"not enough free space ({available} < {need})",
        "lvmthin": f"lvcreate '{group}/{name}' error:   Cannot create new thin volume, free space in thin pool "
                   f"{group}/{found.get('thinpool', 'data')} reached threshold.",
        "zfspool": f"zfs error: cannot create '{found.get('pool', 'rpool')}/{name}': out of space",
        "rbd": f"rbd create '{name}' error: rbd: create error: (28) No space left on device",
    }.get(kind, f"unable to create image: qemu-img: {name}: Could not resize file: No space left on device"))
