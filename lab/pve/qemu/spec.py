"""From a configuration to what the guest backend is told when it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.pve.errors import TaskError
from lab.pve.guests.backend import GuestDisk, GuestSpec, Nic
from lab.pve.network import bridges
from lab.pve.qemu import cloudinit, drives, nets, propstring
from lab.pve.storage import volumes

if TYPE_CHECKING:
    from lab.pve.qemu.guest import Guest
    from lab.pve.tasks import Task


def cores_of(config: dict) -> int:
    return int(config.get("cores", 1)) * int(config.get("sockets", 1))


def memory_of(config: dict) -> int:
    """MiB"""
    return int(propstring.parse(str(config.get("memory", 512)), "current")["current"])


def uuid_of(config: dict) -> str | None:
    return propstring.parse(str(config.get("smbios1", "")), "uuid").get("uuid")


def boot_disk(config: dict) -> str | None:
    """The key of the disk the guest boots from."""
    order = propstring.parse(str(config.get("boot", "")), "legacy").get("order", "")
    disks = [drive.key for drive in drives.of(config) if not drive.is_cdrom and drive.key[-1].isdigit()
             and not drive.key.startswith(("efidisk", "tpmstate"))]
    if order:
        return next((key for key in order.split(";") if key in disks), None)
    return config.get("bootdisk") if config.get("bootdisk") in disks else next(iter(disks), None)


def resolve_nic(guest: Guest, index: int, net: dict[str, str], task: Task) -> Nic:
    """A network device with its MTU resolved against the bridge; TaskError when QEMU would not start with it."""
    mtu = int(net["mtu"]) if net.get("mtu") else None
    bridge = net.get("bridge", "")
    if bridge:
        bridge_mtu = bridges.mtu(guest.world, guest.node, bridge)
        if bridge_mtu is None:
            task.log(f"bridge '{bridge}' does not exist")
            task.log(f"kvm: -netdev type=tap,id=net{index}: network script /usr/libexec/qemu-server/pve-bridge failed "
                     "with status 512")
            raise TaskError("start failed: QEMU exited with code 1")
        if net["model"] != "virtio":
            if mtu:
                task.log(f"WARN: netdev net{index}: ignoring MTU '{mtu}', not using VirtIO or no bridge configured.")
            mtu = None
        elif mtu == 1 or mtu is None:
            mtu = bridge_mtu
        elif mtu < 576:
            raise TaskError(f"netdev net{index}: MTU '{mtu}' is smaller than the IP minimum MTU '576'")
        elif mtu > bridge_mtu:
            raise TaskError(f"netdev net{index}: MTU '{mtu}' is bigger than the bridge MTU '{bridge_mtu}'")
    return Nic(index, net.get("macaddr", ""), bridge, mtu, int(net["tag"]) if net.get("tag") else None, net["model"])


def build(guest: Guest, task: Task, custom: dict[str, str]) -> GuestSpec:
    """The specification of a guest that starts now. `custom`: the files of its cicustom (lab.pve.qemu.snippets)."""
    config, world = guest.config, guest.world
    disks, image = [], None
    system = boot_disk(config)
    for drive in drives.of(config):
        if drive.file in ("none", "cdrom"):
            continue
        volume = volumes.find(world, drive.file, guest.node)
        if volume is None:
            raise TaskError(f"volume '{drive.file}' does not exist")
        if drive.key == system:
            image = volume["image_sha256"]
        if not drive.is_cdrom:
            disks.append(GuestDisk(drive.key, drive.file, volume["size"], drive.options.get("serial")))
    seed = None
    if drives.cloudinit_key(config):
        seed = cloudinit.seed(config, guest.vmid, world.state.nodes[guest.node].get("dns"), custom)
    return GuestSpec(vmid=guest.vmid, node=guest.node, name=guest.name, uuid=uuid_of(config) or "", image_sha256=image,
                     cores=cores_of(config), memory_mb=memory_of(config), disks=disks, seed=seed,
                     nics=[resolve_nic(guest, index, net, task) for index, net in nets.of(config)])
