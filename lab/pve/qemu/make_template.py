"""Ready-made templates, so that a lab starts with one: the same records that building it by the API would leave."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lab.pve.providers import provider
from lab.pve.qemu import nets, propstring
from lab.pve.qemu.create import QEMU
from lab.pve.qemu.drives import Drive
from lab.pve.qemu.guest import Guest, new_uuid
from lab.pve.storage import config, volumes

if TYPE_CHECKING:
    from lab.pve.world import World

GIB = 1024**3
IMAGE_USED = 2 * GIB


def make_template(world: World, node: str, vmid: int = 9000, name: str = "ubuntu-2204-template", *, bios: str = "ovmf",
                  machine: str | None = None, storage: str | None = None, size_gb: int = 10, bridge: str | None = None,
                  image_sha256: str | None = None) -> Guest:
    """A cloud image as template: 1 core, 1 GiB, serial console, agent, cloud-init drive; with OVMF an EFI disk.

    `bios="seabios"` with machine None makes the older i440fx shape. `image_sha256` is what GuestSpec will carry;
    without one a made-up checksum stands for the image.
    """
    storage = storage or _vm_storage(world, node)
    image = image_sha256 or hashlib.sha256(name.encode()).hexdigest()
    bridge = bridge or world.state.meta["cluster"].get("management_bridge", {}).get("iface", "vmbr0")
    settings = {"name": name, "template": "1", "agent": "enabled=1", "boot": "order=scsi0", "cores": "1", "cpu": "host",
               "memory": "1024", "ostype": "l26", "scsihw": "virtio-scsi-single", "serial0": "socket", "vga": "serial0",
               "net0": f"virtio={nets.new_mac()},bridge={bridge}", "smbios1": f"uuid={new_uuid()}",
               "vmgenid": new_uuid(), "meta": f"creation-qemu={QEMU},ctime={world.clock.now()}", "ipconfig0": "ip=dhcp"}
    if bios == "ovmf":
        settings.update(bios="ovmf", machine=machine or "q35")
        settings["efidisk0"] = _disk(world, node, storage, vmid, "efidisk0", 4 * 1024**2, None,
                                    {"efitype": "4m", "pre-enrolled-keys": "0"})
    elif machine:
        settings["machine"] = machine
    settings["scsi0"] = _disk(world, node, storage, vmid, "scsi0", size_gb * GIB, image, {"discard": "on", "ssd": "1"})
    settings["ide2"] = _cloudinit(world, node, storage, vmid)
    return Guest.create(world, vmid, node, settings)


def _vm_storage(world: World, node: str) -> str:
    """The first storage of the node that holds guests' disks."""
    return next(found["storage"] for found in config.on_node(world, node) if config.holds(found, "images"))


def _disk(world: World, node: str, storage: str, vmid: int, key: str, size: int, image: str | None,
          options: dict[str, str]) -> str:
    found = config.entry(world, storage)
    name = volumes.free_name(world, storage, node, vmid, volumes.suffix_for(found, "raw")).replace("vm-", "base-", 1)
    volume = volumes.add(world, volumes.volid_for(found, vmid, name), node, vmid=vmid,
                         size=volumes.rounded(found, size), used=IMAGE_USED if image else size, image_sha256=image)
    return Drive(key, volume["volid"], {**options, "size": propstring.show_size(volume["size"])}).show()


def _cloudinit(world: World, node: str, storage: str, vmid: int) -> str:
    found = config.entry(world, storage)
    fmt = "qcow2" if found["type"] in config.FILE_BASED else "raw"
    name = f"vm-{vmid}-cloudinit{volumes.suffix_for(found, fmt)}"
    size = 4 * 1024**2
    volume = volumes.add(world, volumes.volid_for(found, vmid, name), node, vmid=vmid, size=size, used=size, format=fmt)
    return Drive("ide2", volume["volid"], {"media": "cdrom", "size": "4M"}).show()


@provider("template")
async def first_template(world: World) -> None:
    """For --with-template: 9000 on the first node, unless it is there already."""
    if "9000" not in world.state.guests:
        make_template(world, world.local_node)
