# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of the table against disks of a guest: found by serial or slot, grown, added, never moved and never dropped."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.detectviz.infra.plugins.module_utils import _property_string as props
from ansible_collections.detectviz.infra.plugins.module_utils._sizes import GIB, human
from ansible_collections.detectviz.infra.plugins.module_utils._vm_changes import IN_PLACE, REBOOT, Change, Difference
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Disk, Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import (
    DISK_KEY,
    disk_keys,
    size_of,
    storage_of,
    system_disk,
)

# Options that Proxmox refuses on disks of a bus, after the clone is made.
_BUS_LACKS = {"virtio": {"ssd"}, "sata": {"iothread"}, "ide": {"iothread"}}


def match(guest: Guest, config: dict[str, str]) -> list[tuple[Disk, str | None]]:
    """Each disk of the table with its key in the configuration, or None for one that has to be added.

    The first is the boot disk. The others are known by their serial, which is the name in the table; a disk without
    any serial (a guest that was adopted) is taken in slot order.
    """
    boot = system_disk(config)
    rest = [key for key in disk_keys(config) if key != boot]
    serials = {key: props.parse(config[key], "file").get("serial") for key in rest}
    found: list[tuple[Disk, str | None]] = []
    for number, disk in enumerate(guest.disks):
        if number == 0:
            found.append((disk, boot))
            continue
        key = next((key for key in rest if serials[key] == disk.name), None)
        if key is None:
            key = next((key for key in rest if serials[key] is None), None)
        if key is not None:
            rest.remove(key)
        found.append((disk, key))
    return found


def compare_disks(guest: Guest, config: dict[str, str], from_template: bool, running: bool, result: Difference) -> None:
    """Adds to ``result`` what the disks need. ``from_template``: ``config`` is the template's, the clone is to come."""
    matched = match(guest, config)
    used = {key for key in config if DISK_KEY.match(key)} | {
        change.key for change in result.changes if DISK_KEY.match(change.key)
    }
    boot = system_disk(config)
    if guest.disks and boot is None:
        result.refusals.append(f"{guest.label}: has no disk to boot from; make the template again")
        return
    for disk, key in matched:
        if key is None:
            key = _free_key(boot or "scsi0", used)
            used.add(key)
            fitting = _fitting(guest, disk, key, {}, result)
            result.changes.append(_new_disk(guest, fitting, key, config[boot] if boot else ""))
            result.allocates = True
        else:
            fitting = _fitting(guest, disk, key, props.parse(config[key], "file"), result)
            _existing_disk(guest, fitting, key, config[key], from_template, running, result)
    claimed = {key for disk, key in matched}
    for key in disk_keys(config):
        if guest.disks and key not in claimed:
            result.notes.append(
                f"{guest.label}: disk {key} ({config[key]}) is not in the table and was left alone; "
                f"detach it by hand if nothing needs it"
            )


def _fitting(guest: Guest, disk: Disk, key: str, present: dict[str, str], result: Difference) -> Disk:
    """The disk without options that its bus lacks: a template of another shape is matched as far as it goes."""
    bus = key.rstrip("0123456789")
    wanted = {name for name, text in disk.options.items() if not _is_default(name, text, present)}
    for name in sorted(wanted & _BUS_LACKS.get(bus, set())):
        result.notes.append(
            f"{guest.label}: disk {disk.name} is {key}, and a disk on {bus} has no option {name}; it is left out. "
            f"To have it, use a template that boots from scsi"
        )
    options = {name: text for name, text in disk.options.items() if name not in _BUS_LACKS.get(bus, set())}
    return replace(disk, options=options)


def _existing_disk(
    guest: Guest, disk: Disk, key: str, value: str, from_template: bool, running: bool, result: Difference
) -> None:
    present = props.parse(value, "file")
    if disk.storage and not from_template and storage_of(value) != disk.storage:
        result.refusals.append(
            f"{guest.label}: disk {disk.name} is on storage {storage_of(value)}, the table says {disk.storage}; "
            f"a disk is not moved silently: run `qm disk move {guest.vm_id} {key} {disk.storage} --delete 1` on its "
            f"host, or correct the table, then run again"
        )
    size = size_of(value)
    if disk.size_gb is not None and size is not None:
        if disk.size_gb * GIB < size:
            result.refusals.append(
                f"{guest.label}: disk {disk.name} has {human(size)}, the table says {disk.size_gb}G; a disk cannot "
                f"shrink: give it at least {-(-size // GIB)} GB in the table (column disks, size_gb), or replace the guest "
                f"(destroy it with detectviz.infra.reset, then run again)"
            )
        elif disk.size_gb * GIB > size:
            result.resizes.append((key, disk.size_gb))
    merged = props.merge(
        present, {name: text for name, text in disk.options.items() if not _is_default(name, text, present)}
    )
    if not props.same(present, merged):
        # A clone's volume gets its name from Proxmox, so before the clone there is nothing that could be sent.
        result.needs_volume = result.needs_volume or from_template
        after = props.render(merged, "file")
        live = {name for name in disk.options if present.get(name) != merged.get(name)} <= {"backup"}
        effect = REBOOT if running and not live else IN_PLACE
        result.changes.append(Change(key, value, after, None if from_template else after, effect))


def _is_default(name: str, text: str, present: dict[str, str]) -> bool:
    """An option that is wanted as Proxmox has it anyway when it is not written."""
    return name not in present and text == {"discard": "ignore", "ssd": "0", "iothread": "0", "backup": "1"}.get(name)


def _new_disk(guest: Guest, disk: Disk, key: str, boot_value: str) -> Change:
    storage = disk.storage or guest.storage or storage_of(boot_value)
    options = {name: text for name, text in disk.options.items() if not _is_default(name, text, {})}
    value = props.render({"file": f"{storage}:{disk.size_gb}", **options, "serial": disk.name}, "file")
    return Change(key, "", value, value, IN_PLACE)


def _free_key(boot: str, used: set[str]) -> str:
    """The next free slot on the boot disk's bus; a guest that boots from IDE gets its data disks on SCSI."""
    found = DISK_KEY.match(boot)
    bus = found.group(1) if found and found.group(1) != "ide" else "scsi"
    limits = {"scsi": 31, "virtio": 16, "sata": 6}
    return next(f"{bus}{number}" for number in range(1, limits[bus]) if f"{bus}{number}" not in used)
