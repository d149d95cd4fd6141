# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which template a new guest is cloned from, and whether linked or full: pure choices with their reasons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import (
    Observed,
    cloud_init_drive,
    disk_keys,
    storage_of,
    system_disk,
)
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import Template

# Storages on which Proxmox refuses a linked clone.
_NO_LINKS = {"lvm", "iscsi", "iscsidirect"}


def choose_template(guest: Guest, observed: Iterable[Observed]) -> Observed:
    """The row of the guest's template. ``guest.template`` is a name, an id, or a map of these per node.

    Of several templates with one name the one on the guest's own node is taken. Raises InfraError with what is there.
    """
    wanted: Any = guest.template
    if isinstance(wanted, dict):
        if guest.node not in wanted:
            raise InfraError(f"{guest.label}: template names no template for node {guest.node}; add it to the map")
        wanted = wanted[guest.node]
    if wanted is None:
        raise InfraError(f"{guest.label}: no template is given; set template for it, or for all")
    rows = [row for row in observed if row.kind == "qemu"]
    if isinstance(wanted, int) or str(wanted).isdigit():
        found = [row for row in rows if row.vm_id == int(wanted)]
    else:
        found = [row for row in rows if row.template and row.name == wanted]
    if not found:
        known = ", ".join(f"{row.name} ({row.vm_id} on {row.node})" for row in rows if row.template) or "none"
        raise InfraError(
            f"{guest.label}: template {wanted} is not there, or the token may not see it (VM.Audit on it); "
            f"templates that it sees: {known}"
        )
    return next((row for row in found if row.node == guest.node), found[0])


def check_template(guest: Guest, row: Observed, config: dict[str, Any]) -> None:
    """Raises InfraError for a template that cannot be cloned: not one, locked, or without a disk."""
    if str(config.get("template", "0")) != "1":
        raise InfraError(
            f"{guest.label}: {row.vm_id} on {row.node} is an ordinary guest, not a template; "
            f"convert it, or name another"
        )
    if config.get("lock"):
        raise InfraError(f"{guest.label}: template {row.vm_id} is locked ({config['lock']}); wait until that ends")
    if system_disk({key: str(value) for key, value in config.items()}) is None:
        raise InfraError(f"{guest.label}: template {row.vm_id} has no disk to boot from; make it again")


def clone_of(guest: Guest, row: Observed, config: dict[str, str], storages: dict[str, dict[str, Any]]) -> Template:
    """How the guest is cloned. ``storages`` are those of the template's node by name.

    Full: as the guest says; else for control planes, where the disk has to land on another storage, and where the
    template's storage cannot link. Raises InfraError for a linked clone to another storage or on one that cannot, and
    for another node without shared storage.
    """
    boot = system_disk(config)
    source = storage_of(config[boot]) if boot else ""
    wanted = (guest.disks[0].storage if guest.disks else None) or guest.storage
    elsewhere = bool(wanted) and wanted != source
    kind = str(storages.get(source, {}).get("type", ""))
    full = guest.full if guest.full is not None else guest.role == "control_plane" or elsewhere or kind in _NO_LINKS
    if kind in _NO_LINKS and not full:
        raise InfraError(
            f"{guest.label}: the template's storage {source} is of type {kind}, which has no linked clones; leave out "
            f"full: false for it, or make the template on a storage that has them (lvmthin, zfspool, rbd, a directory)"
        )
    if elsewhere and not full:
        raise InfraError(
            f"{guest.label}: a linked clone stays on the template's storage {source}, the table says {wanted}; "
            f"set full: true for it, or make a template on {wanted}"
        )
    target = None
    if row.node != guest.node:
        volumes = {storage_of(config[key]) for key in disk_keys(config)}
        drive = cloud_init_drive(config)
        volumes |= {storage_of(config[drive])} if drive else set()
        volumes |= {wanted} if wanted and full else set()
        local = sorted(name for name in volumes if str(storages.get(name, {}).get("shared", 0)) != "1")
        if local:
            raise InfraError(
                f"{guest.label}: template {row.vm_id} is not on node {guest.node}; it is on {row.node}, on local "
                f"storage {', '.join(local)}: make one on {guest.node} (template as a map), or use shared storage"
            )
        target = guest.node
    return Template(row.vm_id, row.node, config, full, target, wanted if full else None)
