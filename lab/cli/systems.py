"""The systems of a lab, guests and the Proxmox host, as containers below its folder."""

from __future__ import annotations

from pathlib import Path

from lab.cli.places import Places
from lab.nodes.container import Container


def host_container(places: Places, rootfs: Path) -> Container:
    """The Proxmox host's own system on the image `rootfs`."""
    return Container(f"{places.namespace}-{places.host.name}", places.namespace, places.host, rootfs)


def systems(places: Places) -> list[Container]:
    """Every system of the lab, running or not. They can be looked at and ended, not started."""
    if not places.systems.is_dir():
        return []
    folders = [path for path in sorted(places.systems.iterdir()) if path.is_dir() and path.name != "runc"]
    return [Container(f"{places.namespace}-{path.name}", places.namespace, path, path) for path in folders]


def end_systems(places: Places) -> None:
    """End them all, and clear what killed ones left. Their disks stay."""
    for container in systems(places):
        container.clear()
        (container.folder / "blank").unlink(missing_ok=True)
