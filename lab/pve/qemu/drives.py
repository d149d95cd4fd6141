"""Drive keys of a configuration and their values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.pve.qemu import propstring

LIMITS = {"ide": 4, "sata": 6, "scsi": 31, "virtio": 16, "efidisk": 1, "tpmstate": 1}
# the order in which PVE walks over the drives of a configuration
NAMES = tuple(f"{bus}{index}" for bus in ("ide", "scsi", "virtio", "sata") for index in range(LIMITS[bus])) + (
    "efidisk0", "tpmstate0")
NEW_DISK = re.compile(r"^([^/:\s]+):(\d+(?:\.\d+)?)$")
CLOUD_INIT = re.compile(r"^([^/:\s]+:)?(?:.*/)?(?:vm-\d+-)?cloudinit(?:\.[a-z0-9]+)?$")
_BARE = {"volume": "file"}
_BOOLEAN = {"backup", "detect_zeroes", "iothread", "pre-enrolled-keys", "replicate", "ro", "shared", "snapshot",
            "ssd"}


@dataclass
class Drive:
    """One drive: `file` is a volume id, `none`, `cdrom`, `STORE:N` or `STORE:cloudinit`."""

    key: str
    file: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def storage(self) -> str | None:
        return self.file.split(":", 1)[0] if ":" in self.file else None

    @property
    def is_cdrom(self) -> bool:
        return self.options.get("media") == "cdrom" or self.file in ("none", "cdrom") or self.is_cloudinit

    @property
    def is_cloudinit(self) -> bool:
        return CLOUD_INIT.match(self.file) is not None

    @property
    def new_disk(self) -> tuple[str, float] | None:
        """(storage, GiB) when the value asks for a new volume."""
        found = NEW_DISK.match(self.file)
        return (found[1], float(found[2])) if found else None

    @property
    def new_cloudinit(self) -> str | None:
        """The storage when the value asks for a cloud-init drive that is not yet there."""
        storage, colon, name = self.file.partition(":")
        return storage if colon and name == "cloudinit" else None

    @property
    def size(self) -> int | None:
        return propstring.parse_size(self.options["size"]) if "size" in self.options else None

    def show(self) -> str:
        return propstring.show({"file": self.file, **self.options}, "file")


def is_drive(key: str) -> bool:
    return key in NAMES


def is_unused(key: str) -> bool:
    return re.fullmatch(r"unused\d+", key) is not None


def parse(key: str, text: str) -> Drive:
    """ValueError when it is no drive."""
    values = propstring.parse(text, "file")
    values = {_BARE.get(name, name): value for name, value in values.items()}
    if "file" not in values:
        raise ValueError(f"no volume in {text!r}")
    file = values.pop("file")
    options = {name: str(int(propstring.truth(value))) if name in _BOOLEAN else value for name, value in values.items()}
    return Drive(key, file, options)


def of(config: dict) -> Iterator[Drive]:
    """The drives of a configuration in PVE's order."""
    for key in NAMES:
        if key in config:
            yield parse(key, str(config[key]))


def cloudinit_key(config: dict, besides: str | None = None) -> str | None:
    """The key of the cloud-init drive, if there is one (besides the given key)."""
    for drive in of(config):
        if drive.is_cloudinit and drive.key != besides:
            return drive.key
    return None


def unused_volumes(config: dict) -> dict[str, str]:
    """unusedN -> volume id"""
    return {key: str(value) for key, value in config.items() if is_unused(key)}


def references(config: dict, volid: str) -> bool:
    """Is the volume on some key of the configuration?"""
    return any(drive.file == volid for drive in of(config)) or volid in unused_volumes(config).values()


def add_unused(config: dict, volid: str) -> str | None:
    """Keep a detached volume as unusedN, unless it is already there; returns the key."""
    if volid in unused_volumes(config).values():
        return None
    for index in range(256):
        if f"unused{index}" not in config:
            config[f"unused{index}"] = volid
            return f"unused{index}"
    raise ValueError("Too many unused volumes - please delete them first.")
