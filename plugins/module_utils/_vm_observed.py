# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Proxmox says of one guest: a row of the cluster list and, where read, its configuration with pending values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._property_string import parse
from ansible_collections.detectviz.infra.plugins.module_utils._sizes import to_bytes
from ansible_collections.detectviz.infra.plugins.module_utils._vm_ownership import split_tags

DISK_KEY = re.compile(r"^(scsi|virtio|sata|ide)(\d+)$")
_BUS_ORDER = ("scsi", "virtio", "sata", "ide")


@dataclass(frozen=True)
class Observed:
    """One guest as Proxmox shows it.

    ``config`` is None until the configuration was read; it holds the values as they will be after the next stop and
    start, and ``pending`` names the keys that still differ in the running guest.
    """

    vm_id: int
    node: str
    kind: str = "qemu"
    template: bool = False
    status: str = "unknown"
    name: str = ""
    lock: str = ""
    tags: tuple[str, ...] = ()
    pool: str = ""
    uptime: int = 0
    cores: int = 0
    memory: int = 0
    disk: int = 0
    ha_managed: bool = False
    config: dict[str, str] | None = None
    pending: tuple[str, ...] = field(default=())
    digest: str = ""

    @property
    def running(self) -> bool:
        """A guest whose virtual machine exists now."""
        return self.status == "running"


def from_row(row: dict[str, Any]) -> Observed:
    """A row of ``GET /cluster/resources?type=vm``. Sizes in bytes, uptime in seconds."""
    return Observed(
        vm_id=int(row["vmid"]),
        node=str(row["node"]),
        kind=str(row.get("type", "qemu")),
        template=str(row.get("template", 0)) == "1",
        status=str(row.get("status", "unknown")),
        name=str(row.get("name") or ""),
        lock=str(row.get("lock") or ""),
        tags=tuple(split_tags(row.get("tags"))),
        pool=str(row.get("pool") or ""),
        uptime=int(row.get("uptime") or 0),
        cores=int(float(row.get("maxcpu") or 0)),
        memory=int(row.get("maxmem") or 0),
        disk=int(row.get("maxdisk") or 0),
        ha_managed=str(row.get("hastate") or "") not in ("", "ignored"),
    )


def with_pending(observed: Observed, items: Iterable[dict[str, Any]]) -> Observed:
    """The same guest with the answer of ``GET .../pending``: ``{key, value, pending, delete}`` per option."""
    config: dict[str, str] = {}
    pending: list[str] = []
    digest = ""
    for item in items:
        key = str(item["key"])
        if key == "digest":
            digest = str(item.get("value", ""))
            continue
        if int(item.get("delete") or 0) > 0:
            pending.append(key)
        elif "pending" in item:
            config[key] = str(item["pending"])
            pending.append(key)
        elif "value" in item:
            config[key] = str(item["value"])
    return replace(
        observed,
        config=config,
        pending=tuple(sorted(pending)),
        digest=digest,
        lock=config.get("lock", observed.lock),
        tags=tuple(split_tags(config.get("tags"))),
        template=observed.template or config.get("template") == "1",
    )


def fingerprint(guests: dict[int, Observed | None]) -> str:
    """One value over all that a plan depends on; it moves when a guest comes, goes, changes, starts or stops."""
    seen = {
        str(vm_id): None
        if observed is None
        else [observed.node, observed.kind, observed.template, observed.status, observed.lock, observed.digest]
        + sorted((observed.config or {}).items())
        for vm_id, observed in guests.items()
    }
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def disk_keys(config: dict[str, str]) -> list[str]:
    """Keys of real disks, no CD drives: by bus, then by number."""
    found = []
    for key, value in config.items():
        match = DISK_KEY.match(key)
        if match and "media=cdrom" not in value and value != "none" and not _is_cloud_init(value):
            found.append((_BUS_ORDER.index(match.group(1)), int(match.group(2)), key))
    return [key for bus, number, key in sorted(found)]


def system_disk(config: dict[str, str]) -> str | None:
    """Key of the disk that the guest boots from, or None."""
    disks = disk_keys(config)
    boot = parse(config.get("boot", ""), "legacy")
    candidates = boot.get("order", "").split(";") + [config.get("bootdisk", "")]
    return next((key for key in candidates if key in disks), disks[0] if disks else None)


def storage_of(volume: str) -> str:
    """Storage of a disk value: ``local-lvm`` of ``local-lvm:vm-111-disk-0,size=10G``."""
    return volume.split(",")[0].partition(":")[0]


def size_of(volume: str) -> int | None:
    """Bytes of a disk value, None where it does not say."""
    size = parse(volume, "file").get("size")
    return to_bytes(size) if size else None


def cloud_init_drive(config: dict[str, str]) -> str | None:
    """Key of the cloud-init drive, or None."""
    for key, value in config.items():
        if DISK_KEY.match(key) and _is_cloud_init(value):
            return key
    return None


def _is_cloud_init(value: str) -> bool:
    """Told from the volume: ``local-lvm:vm-111-cloudinit``, or ``local-lvm:cloudinit`` in what is only planned."""
    return "cloudinit" in value.partition(",")[0]
