"""Disk image files: what can be told from their first bytes."""

from __future__ import annotations

import struct

HEADER_BYTES = 32


def virtual_size(header: bytes, file_size: int) -> tuple[str, int]:
    """(format, bytes of the disk inside) of an image, by its header; a file without one is raw."""
    if len(header) >= HEADER_BYTES and header[:4] == b"QFI\xfb":
        return "qcow2", struct.unpack(">Q", header[24:32])[0]
    return "raw", file_size
