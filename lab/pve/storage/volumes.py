"""Volumes: their names, sizes and the space they take.

A record in state.volumes: {volid, storage, node (None on shared storage), vmid, name, format, size, used, content,
parent, ctime, image_sha256}. Sizes are bytes; `used` is what is written, which on thin storage is less than `size`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lab.pve.errors import died
from lab.pve.storage import config

if TYPE_CHECKING:
    from lab.pve.world import World

EXTENT = 4 * 1024**2


def _key(world: World, volid: str, node: str) -> str:
    storage = config.entry(world, volid.split(":", 1)[0])
    return f"{'*' if config.is_shared(storage) else node}:{volid}"


def find(world: World, volid: str, node: str) -> dict[str, Any] | None:
    """The volume as that node sees it."""
    if ":" not in volid or volid.split(":", 1)[0] not in world.state.storages:
        return None
    return world.state.volumes.get(_key(world, volid, node))


def get(world: World, volid: str, node: str) -> dict[str, Any]:
    """500 when it is not there."""
    found = find(world, volid, node)
    if found is None:
        raise died(f"volume '{volid}' does not exist")
    return found


def of_storage(world: World, storage: str, node: str) -> list[dict[str, Any]]:
    """What the storage holds as that node sees it."""
    return sorted((volume for volume in world.state.volumes.values()
                   if volume["storage"] == storage and volume["node"] in (None, node)), key=lambda one: one["volid"])


def owned(world: World, vmid: int, node: str) -> list[dict[str, Any]]:
    """All volumes with the id of a guest, on the storages of a node."""
    return [volume for volume in world.state.volumes.values()
            if volume["vmid"] == vmid and volume["node"] in (None, node)]


def add(world: World, volid: str, node: str, **facts: Any) -> dict[str, Any]:
    """Record a volume: size, used, format, content, vmid, parent, image_sha256."""
    storage = config.entry(world, volid.split(":", 1)[0])
    key = _key(world, volid, node)
    volume = {"volid": volid, "storage": storage["storage"], "node": None if config.is_shared(storage) else node,
              "vmid": None, "name": volid.rsplit("/", 1)[-1].split(":")[-1], "format": "raw", "size": 0, "used": 0,
              "content": "images", "parent": None, "ctime": world.clock.now(), "image_sha256": None, **facts}
    world.state.volumes[key] = volume
    world.save("volumes", key)
    return volume


def save(world: World, volume: dict[str, Any]) -> None:
    world.save("volumes", f"{volume['node'] or '*'}:{volume['volid']}")


def remove(world: World, volume: dict[str, Any]) -> None:
    key = f"{volume['node'] or '*'}:{volume['volid']}"
    world.state.volumes.pop(key, None)
    world.save("volumes", key)


def rename(world: World, volume: dict[str, Any], volid: str) -> None:
    """Give a volume another id (a template's base image, a reassigned disk)."""
    remove(world, volume)
    volume["volid"] = volid
    volume["name"] = volid.rsplit("/", 1)[-1].split(":")[-1]
    key = f"{volume['node'] or '*'}:{volid}"
    world.state.volumes[key] = volume
    world.save("volumes", key)


def linked_to(world: World, volume: dict[str, Any]) -> list[str]:
    """Ids of linked clones that the storage can name. LVM-thin does not know its snapshots' origin."""
    if world.state.storages.get(volume["storage"], {}).get("type") == "lvmthin":
        return []
    return [other["volid"] for other in world.state.volumes.values()
            if other["parent"] == volume["volid"] and other["node"] == volume["node"]]


def usage(world: World, storage: str, node: str) -> dict[str, int]:
    """{total, used, avail} in bytes."""
    found = config.entry(world, storage)
    used = sum(volume["used"] for volume in of_storage(world, storage, node))
    total = config.total_bytes(found)
    return {"total": total, "used": min(used, total), "avail": max(total - used, 0)}


def free_name(world: World, storage: str, node: str, vmid: int, suffix: str) -> str:
    """vm-101-disk-N with the lowest free N."""
    taken = {int(found[1]) for volume in of_storage(world, storage, node)
             if (found := re.fullmatch(rf"(?:vm|base)-{vmid}-disk-(\d+)(?:\..*)?", volume["name"]))}
    number = next(index for index in range(10_000) if index not in taken)
    return f"vm-{vmid}-disk-{number}{suffix}"


def volid_for(found: dict[str, Any], vmid: int, name: str, parent: dict[str, Any] | None = None) -> str:
    """The id of a volume of that name: directories have a folder per guest, linked clones name their base."""
    storage, file_based = found["storage"], found["type"] in config.FILE_BASED
    path = f"{vmid}/{name}" if file_based else name
    if parent is not None and found["type"] not in ("lvmthin", "lvm"):
        return f"{storage}:{parent['volid'].split(':', 1)[1]}/{path}"
    return f"{storage}:{path}"


def suffix_for(found: dict[str, Any], fmt: str) -> str:
    """Files carry their format as suffix, block volumes do not."""
    return f".{fmt}" if found["type"] in config.FILE_BASED else ""


def rounded(found: dict[str, Any], size: int) -> int:
    """Logical volumes are made of whole extents."""
    if found["type"] in ("lvmthin", "lvm"):
        return -(-size // EXTENT) * EXTENT
    return size


def path_of(found: dict[str, Any], volume: dict[str, Any]) -> str:
    """Where the node would see the volume."""
    kind, name = found["type"], volume["volid"].split(":", 1)[1]
    if kind in config.FILE_BASED:
        folder = {"iso": "template/iso", "vztmpl": "template/cache", "backup": "dump", "import": "import",
                  "snippets": "snippets"}.get(volume["content"])
        root = found.get("path", f"/mnt/pve/{found['storage']}")
        return f"{root}/{folder}/{volume['name']}" if folder else f"{root}/images/{volume['vmid']}/{volume['name']}"
    if kind in ("lvmthin", "lvm"):
        return f"/dev/{found.get('vgname', 'pve')}/{volume['name']}"
    if kind == "rbd":
        return f"rbd:{found.get('pool', 'rbd')}/{volume['name']}"
    return f"/dev/zvol/{found.get('pool', 'rpool')}/{name.rsplit('/', 1)[-1]}"
