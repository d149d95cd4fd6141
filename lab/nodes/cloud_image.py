"""The lab's cloud image file: a real, empty qcow2 whose checksum stands for the built root file system.

Proxmox downloads it, checks its sum, imports it and clones it as it would Debian's or Ubuntu's; a guest whose system
disk descends from it boots the image that the lab has built.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from pathlib import Path

CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
VIRTUAL_SIZE = 2 * 1024**3
HEADER_EXTENSION = 0x6C616231  # "lab1": programs that do not know an extension pass over it


def qcow2(label: str, virtual_size: int = VIRTUAL_SIZE) -> bytes:
    """An empty qcow2 (version 3) disk of `virtual_size` bytes that carries `label`.

    Clusters: header, refcount table, refcount block, L1 table (all zero: nothing is allocated).
    """
    text = label.encode()
    l1_entries = -(-virtual_size // (CLUSTER * CLUSTER // 8))
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb", 3, 0, 0, CLUSTER_BITS, virtual_size, 0,  # no backing file, no encryption
        l1_entries, 3 * CLUSTER, CLUSTER, 1, 0, 0,  # L1 table, refcount table, no snapshots
        0, 0, 0, 4, 104,  # no features, 16-bit refcounts, header length
    )  # fmt: skip
    padding = b"\0" * (-len(text) % 8)
    extensions = struct.pack(">II", HEADER_EXTENSION, len(text)) + text + padding + struct.pack(">II", 0, 0)
    table = struct.pack(">Q", 2 * CLUSTER)
    block = struct.pack(">4H", 1, 1, 1, 1)
    return b"".join(part.ljust(CLUSTER, b"\0") for part in (header + extensions, table, block, b""))


def publish(folder: Path, names: Iterable[str], rootfs: Path, *, plain: bool = False) -> dict[str, str]:
    """Write the image under each name with SHA256SUMS beside. `rootfs` is a built image below its recipe's hash.

    `plain`: another image, with another checksum, that stands for one without a guest agent (ContainerBackend).

    Returns checksum to root file system, as `ContainerBackend` takes it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = qcow2(f"detectviz lab image {rootfs.parent.name}{' without agent' if plain else ''}")
    checksum = hashlib.sha256(content).hexdigest()
    sums = []
    for name in sorted(set(names)):
        (folder / name).write_bytes(content)
        sums.append(f"{checksum}  {name}\n")
    (folder / "SHA256SUMS").write_text("".join(sums))
    return {checksum: str(rootfs)}
