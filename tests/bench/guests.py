"""The guests that are made, and the shortest time in which a host of a profile could make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.pve.profiles import Profile, times_of

NODE = "pve"
FIRST_ID = 101
# RFC 2544 sets this network aside for benchmarks; no packet is sent to it.
NETWORK = "198.18.0"
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1xAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com"
# Volumes of the template that a linked clone makes anew: system disk, EFI disk; and the cloud-init drive.
CLONED, ALLOCATED = 2, 1


def guests(count: int, profile: Profile) -> list[dict[str, Any]]:
    """Rows of a table: a grown system disk, a data disk, one NIC. At most 200."""
    storage = profile.vm_storage["storage"]
    return [
        {
            "name": f"guest-{number}",
            "vm_id": FIRST_ID + number,
            "pve_node": NODE,
            "cores": 2,
            "memory_mb": 2048,
            "disks": [
                {"name": "system", "size_gb": 20, "storage": storage},
                {"name": "data", "size_gb": 10, "storage": storage},
            ],
            "networks": [
                {"bridge": "vmbr0", "addresses": [f"{NETWORK}.{10 + number}/24"], "gateway": f"{NETWORK}.1"},
            ],
        }
        for number in range(count)
    ]


def variables(rows: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """What both playbooks are given."""
    return {"guests": rows, "ssh_key": SSH_KEY, "name_server": f"{NETWORK}.1", "state_dir": str(folder)}


def limit(rows: list[dict[str, Any]], profile: Profile, scale: float) -> float:
    """Seconds that no client can go below: all holds of the storage's lock one after the other, then the slowest boot.

    The time of the requests, of the start task and of growing the disks is left out, so it is lower than a real bound.
    """
    times = times_of(profile.vm_storage["type"])
    data_disks = sum(len(row["disks"]) - 1 for row in rows)
    holds = len(rows) * (CLONED * times.clone + ALLOCATED * times.allocate) + data_disks * times.allocate
    slowest = max(profile.boot_seconds(row["vm_id"]) for row in rows)
    return (holds + slowest) * scale
