"""Which privilege each option of a virtual machine needs, and which options change while it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lab.pve.errors import died
from lab.pve.qemu import cloudinit, drives, nets, propstring

if TYPE_CHECKING:
    from lab.pve.registry import Call

_CPU = {"cpu", "cores", "cpulimit", "cpuunits", "numa", "smp", "sockets", "vcpus", "affinity"}
_MEMORY = {"memory", "balloon", "shares", "allow-ksm"}
_HARDWARE = {"acpi", "hotplug", "kvm", "machine", "scsihw", "smbios1", "tablet", "vga", "watchdog", "audio0", "rng0"}
_GENERAL = {"agent", "autostart", "bios", "description", "keyboard", "localtime", "migrate_downtime", "migrate_speed",
            "name", "onboot", "ostype", "protection", "reboot", "startdate", "startup", "tdf", "template", "tags",
            "vmgenid", "spice_enhancements"}
_DISK = {"boot", "bootdisk", "vmstatestorage"}
# what a running machine takes over at once, without any hotplug
FAST_PLUG = {"description", "hookscript", "lock", "migrate_downtime", "migrate_speed", "name", "onboot", "protection",
             "shares", "startup", "tags", "vmstatestorage"}
_LIVE = {"cpulimit", "cpuunits", "hotplug"}
_HOTPLUG_DEFAULT = "network,disk,usb"


def check_privileges(call: Call, vmid: int, keys: Iterable[str], pool: str | None = None) -> None:
    """403 for the first option that the caller may not change. Drives are checked with their values elsewhere."""
    if call.identity == "root@pam":
        return
    for key in keys:
        if drives.is_drive(key) or drives.is_unused(key) or re.fullmatch(r"(serial|usb|hostpci)\d+", key):
            continue
        wanted = privileges_for(key)
        if wanted is None:
            raise died(f"only root can set '{key}' config")
        if key == "startup":
            call.require("/", "Sys.Modify")
        require_on_vm(call, vmid, pool, wanted, any=len(wanted) > 1)


def privileges_for(key: str) -> tuple[str, ...] | None:
    """Any of these is enough; None: root only."""
    if key in _CPU or re.fullmatch(r"numa\d+", key):
        return ("VM.Config.CPU",)
    if key in _MEMORY:
        return ("VM.Config.Memory",)
    if key in _HARDWARE:
        return ("VM.Config.HWType",)
    if key in _GENERAL:
        return ("VM.Config.Options",)
    if key in _DISK:
        return ("VM.Config.Disk",)
    if key == "freeze":
        return ("VM.PowerMgmt",)
    if nets.is_net(key):
        return ("VM.Config.Network",)
    if cloudinit.is_key(key):
        return ("VM.Config.Cloudinit", "VM.Config.Network")
    return None


def require_on_vm(call: Call, vmid: int, pool: str | None, privileges: tuple[str, ...], *, any: bool = False) -> None:
    """The privilege on the machine, or on the pool it is put into at creation."""
    if pool and call.can(f"/pool/{pool}", *privileges, any=any):
        return
    call.require(f"/vms/{vmid}", privileges, any=any)


def hotplug_features(config: dict) -> set[str]:
    """{network, disk, usb, memory, cpu} as far as they are on."""
    value = str(config.get("hotplug", "1"))
    if value == "0":
        return set()
    return set((_HOTPLUG_DEFAULT if value == "1" else value).split(","))


def applies_while_running(key: str, old: str | None, new: str | None, config: dict) -> bool:
    """Does a running machine take this change over at once, or does it stay pending until it is powered off?

    `new` None is a deletion, `old` None an option that was not set.
    """
    if key in FAST_PLUG or key in _LIVE or cloudinit.is_key(key):
        return True
    features = hotplug_features(config)
    if nets.is_net(key):
        return "network" in features or not _card_differs(old, new)
    if drives.is_unused(key):
        return True
    if drives.is_drive(key):
        return "disk" in features and _drive_pluggable(key, old, new)
    if key == "agent":
        return old is not None and new is not None and _only_differs(old, new, "enabled", {"fstrim_cloned_disks"})
    if key == "balloon":
        return (old == "0") == (new == "0")  # the device itself, which 0 takes away, cannot come or go
    if key in ("tablet",) or re.fullmatch(r"usb\d+", key):
        return "usb" in features
    return False


def _card_differs(old: str | None, new: str | None) -> bool:
    """Whether the card has to be taken out or put in; all else is changed on the host's side of it."""
    if old is None or new is None:
        return True
    before, after = nets.parse(old), nets.parse(new)
    if not (before.get("bridge") and after.get("bridge")):
        return True
    return any(before.get(key) != after.get(key) for key in ("model", "macaddr", "queues", "mtu"))


def _drive_pluggable(key: str, old: str | None, new: str | None) -> bool:
    new_drive = drives.parse(key, new) if new else None
    if old is None:
        return re.match(r"(scsi|virtio)\d", key) is not None
    old_drive = drives.parse(key, old)
    if old_drive.is_cdrom:
        # media can be changed, the drive itself not
        return new_drive is not None and new_drive.is_cdrom and not new_drive.is_cloudinit
    if new_drive is None or new_drive.file != old_drive.file:
        return re.match(r"(scsi|virtio)\d", key) is not None
    live = {"backup", "replicate", "snapshot", "mbps", "iops", "size", "shared"}
    return _only_differs(old, new or "", "file", live)


def _only_differs(old: str, new: str, default_key: str, allowed: set[str]) -> bool:
    before, after = propstring.parse(old, default_key), propstring.parse(new, default_key)
    return {key for key in {*before, *after} if before.get(key) != after.get(key)} <= allowed
