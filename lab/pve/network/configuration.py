"""Where a node's network configuration is kept: in the state, or, where the node has a real system, in its files.

With a real system /etc/network/interfaces is the truth, as on Proxmox VE: whoever changes it on the host changes what
the API tells. The pending configuration is /etc/network/interfaces.new beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.pve.network import interfaces
from lab.pve.network.interfaces import Interfaces
from lab.pve.state import write_atomic

if TYPE_CHECKING:
    from lab.pve.world import World

PENDING = "interfaces.new"


def record(world: World, node: str) -> dict[str, Any]:
    """The node's network: {interfaces: {name: entry}, pending: None or the same}."""
    kept = world.state.networks.setdefault(node, {"interfaces": {}, "pending": None})
    folder = world.backend.network_folder(node)
    if folder is not None:
        kept.update(interfaces=_read(folder / "interfaces") or {}, pending=_read(folder / PENDING))
    return kept


def keep_pending(world: World, node: str, wanted: Interfaces | None) -> None:
    """Make `wanted` the pending configuration; None drops it."""
    record(world, node)["pending"] = wanted
    folder = world.backend.network_folder(node)
    if folder is not None and wanted is None:
        (folder / PENDING).unlink(missing_ok=True)
    elif folder is not None:
        write_atomic(folder / PENDING, interfaces.show(wanted), mode=0o644)
    world.save("networks", node)


def put_in_force(world: World, node: str) -> None:
    """The pending configuration, if there is one, becomes the configuration."""
    kept = record(world, node)
    if kept["pending"] is not None:
        install(world, node, kept["pending"])
        keep_pending(world, node, None)


def install(world: World, node: str, wanted: Interfaces) -> None:
    """Make `wanted` the configuration, as the installer does."""
    folder = world.backend.network_folder(node)
    if folder is not None:
        write_atomic(folder / "interfaces", interfaces.show(wanted), mode=0o644)
    record(world, node)["interfaces"] = wanted
    world.save("networks", node)


def installed(world: World, node: str) -> bool:
    """Whether the node has a configuration yet."""
    folder = world.backend.network_folder(node)
    return (folder / "interfaces").exists() if folder is not None else node in world.state.networks


def _read(path: Path) -> Interfaces | None:
    try:
        return interfaces.parse(path.read_text())
    except FileNotFoundError:
        return None
