"""storage.cfg: which storages there are, what they may hold, and on which nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.pve.errors import died
from lab.pve.profiles import SHARED_TYPES, Profile

if TYPE_CHECKING:
    from lab.pve.world import World

GIB = 1024**3
FILE_BASED = {"dir", "nfs", "cifs", "cephfs", "btrfs"}
DEFAULT_SIZE_GB = 1000
# (can hold, holds unless told)
CONTENT = {
    "dir": (("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none"), ("images", "rootdir")),
    "lvmthin": (("images", "rootdir"), ("images", "rootdir")),
    "lvm": (("images", "rootdir"), ("images", "rootdir")),
    "zfspool": (("images", "rootdir"), ("images", "rootdir")),
    "rbd": (("images", "rootdir"), ("images",)),
}


def default_storages(profile: Profile) -> list[dict[str, Any]]:
    """What a fresh host has: `local` for files, and the profile's storage for guests."""
    local = {"storage": "local", "type": "dir", "path": "/var/lib/vz", "shared": 0, "nodes": None, "size_gb": 100,
             "content": ["iso", "vztmpl", "backup", "snippets", "import"]}
    return [local, {"shared": 0, "nodes": None, "size_gb": 4000, **profile.vm_storage}]


def entry(world: World, storage: str) -> dict[str, Any]:
    """500 when there is no such storage."""
    found = world.state.storages.get(storage)
    if found is None:
        raise died(f"storage '{storage}' does not exist")
    return found


def enabled_on(world: World, storage: str, node: str) -> dict[str, Any]:
    """The entry, if it can be used on that node; else 500."""
    found = entry(world, storage)
    if found.get("disable"):
        raise died(f"storage '{storage}' is disabled")
    if found.get("nodes") and node not in found["nodes"]:
        raise died(f"storage '{storage}' is not available on node '{node}'")
    return found


def on_node(world: World, node: str) -> list[dict[str, Any]]:
    """The storages of a node, by id."""
    return [found for name, found in sorted(world.state.storages.items())
            if not found.get("nodes") or node in found["nodes"]]


def is_shared(found: dict[str, Any]) -> bool:
    return bool(found.get("shared")) or found["type"] in SHARED_TYPES


def holds(found: dict[str, Any], content: str) -> bool:
    return content in found["content"]


def is_thin(found: dict[str, Any]) -> bool:
    """Does a volume take only the space that was written?"""
    return found["type"] != "lvm"


def total_bytes(found: dict[str, Any]) -> int:
    return int(found.get("size_gb") or DEFAULT_SIZE_GB) * GIB


def formats(found: dict[str, Any]) -> tuple[tuple[str, ...], str]:
    """(supported formats, default)"""
    if found["type"] in FILE_BASED:
        return ("raw", "qcow2", "vmdk", "subvol"), str(found.get("format", "raw"))
    if found["type"] in ("lvm", "rbd", "lvmthin"):
        return ("raw",), "raw"
    return ("raw", "subvol"), "raw"


def as_api(found: dict[str, Any]) -> dict[str, Any]:
    """The entry as /storage shows it: lists as comma-separated text, our own sizes left out."""
    shown = {key: value for key, value in found.items() if value is not None and key not in ("size_gb", "shared")}
    shown["content"] = ",".join(sorted(found["content"]))
    if found.get("nodes"):
        shown["nodes"] = ",".join(sorted(found["nodes"]))
    if is_shared(found):
        shown["shared"] = 1
    return shown
