"""Timing profiles: how long an emulated host takes for what a real one does with disks and guests.

The figures are estimates for a small server (facts are marked so in every published figure): a profile names the
storage that guests live on by default; each kind of storage has its own hold times, so a host with several storages
is slow where it should be. All times are in seconds of the host, before the time scale.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StorageTimes:
    """`allocate`, `clone`, `free`: how long the storage lock is held; `copy_mb_s`: full clones and imports."""

    allocate: float
    clone: float
    free: float
    copy_mb_s: float


@dataclass(frozen=True)
class Profile:
    """A host. `vm_storage` is the storage.cfg entry of its default storage for guests."""

    name: str
    vm_storage: dict
    boot: float = 20.0           # power on to a guest agent that answers
    boot_spread: float = 8.0     # guests differ: up to this much more, by their id
    start: float = 1.5           # the start task itself (QEMU comes up)
    shutdown: float = 4.0        # a system told to power off
    configure: float = 0.15      # a task that only edits a configuration
    reload_network: float = 2.0
    download_mb_s: float = 100.0

    def boot_seconds(self, vmid: int) -> float:
        """Power on to an agent that answers; the same for a guest each time."""
        return self.boot + self.boot_spread * (vmid * 37 % 100) / 100


TIMES = {
    "lvmthin": StorageTimes(allocate=0.5, clone=0.5, free=0.5, copy_mb_s=400),
    "lvm": StorageTimes(allocate=0.5, clone=0.5, free=0.6, copy_mb_s=300),
    "zfspool": StorageTimes(allocate=0.15, clone=0.1, free=0.2, copy_mb_s=450),
    "dir": StorageTimes(allocate=0.1, clone=0.1, free=0.1, copy_mb_s=400),
    "btrfs": StorageTimes(allocate=0.1, clone=0.1, free=0.1, copy_mb_s=400),
    "nfs": StorageTimes(allocate=0.25, clone=0.25, free=0.25, copy_mb_s=110),
    "rbd": StorageTimes(allocate=0.3, clone=0.4, free=0.5, copy_mb_s=250),
}
SHARED_TYPES = {"nfs", "cifs", "cephfs", "rbd", "iscsi", "iscsidirect", "pbs", "esxi", "zfs"}

_VM = ["images", "rootdir"]
PROFILES = {
    "lvmthin": Profile("lvmthin", {"storage": "local-lvm", "type": "lvmthin", "thinpool": "data", "vgname": "pve",
                                   "content": _VM}),
    "zfs": Profile("zfs", {"storage": "local-zfs", "type": "zfspool", "pool": "rpool/data", "sparse": 1,
                           "content": _VM}),
    "dir": Profile("dir", {"storage": "vmdata", "type": "dir", "path": "/var/lib/vmdata", "content": _VM}),
    "rbd": Profile("rbd", {"storage": "ceph", "type": "rbd", "pool": "vms", "content": _VM, "shared": 1}),
}


def load_profile(name: str) -> Profile:
    """The profile of that name; ValueError lists the known ones."""
    if name not in PROFILES:
        raise ValueError(f"profile {name!r} is unknown; known: {', '.join(PROFILES)}")
    return PROFILES[name]


def times_of(storage_type: str) -> StorageTimes:
    """Hold times of a kind of storage; an unknown kind behaves as a directory."""
    return TIMES.get(storage_type, TIMES["dir"])
