"""The files of `cicustom`: read when the cloud-init drive is made, from the node's own disk, with PVE's checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.pve.errors import died
from lab.pve.qemu import propstring
from lab.pve.storage import config as storages

if TYPE_CHECKING:
    from lab.pve.qemu.guest import Guest
    from lab.pve.world import World

FOLDER = "snippets/"
MAX_BYTES = 1024**2


async def read(guest: Guest) -> dict[str, str]:
    """{user, network, meta, vendor: text} as far as the configuration names files. 500 for one that cannot be read."""
    named = propstring.parse(guest.config.get("cicustom", ""))
    return {kind: await _text(guest.world, guest.node, volid) for kind, volid in sorted(named.items())}


async def _text(world: World, node: str, volid: str) -> str:
    storage, _, name = volid.partition(":")
    # only the folder is asked for, not whether `content` of the storage has snippets
    found = storages.enabled_on(world, storage, node)
    if found["type"] not in storages.FILE_BASED or not name.startswith(FOLDER):
        raise died(f"{volid} is not in the snippets directory")
    if not name.removeprefix(FOLDER) or "/" in name.removeprefix(FOLDER):
        raise died(f"unable to parse directory volume name '{name}'")
    content = await world.backend.host_file(node, f"{folder(found)}/{name.removeprefix(FOLDER)}")
    if content is None:
        raise died(f"volume '{volid}' does not exist")
    if len(content) > MAX_BYTES:
        raise died("file too long - aborting")
    return content.decode(errors="replace")


async def listing(world: World, node: str, storage: str) -> list[dict[str, object]]:
    """Rows of the storage's snippets, as its content lists them; none when it is not meant to hold any."""
    found = storages.enabled_on(world, storage, node)
    if found["type"] not in storages.FILE_BASED or "snippets" not in found["content"]:
        return []
    files = await world.backend.host_files(node, folder(found))
    return [{"volid": f"{storage}:{FOLDER}{name}", "format": "snippet", "size": size, "content": "snippets"}
            for name, size in files.items()]


def folder(found: dict) -> str:
    """Where a storage keeps its snippets on the node."""
    root = found.get("path") or f"/mnt/pve/{found['storage']}"
    own = propstring.parse(str(found.get("content-dirs") or ""))
    return f"{root.rstrip('/')}/{own.get('snippets', 'snippets').strip('/')}"
