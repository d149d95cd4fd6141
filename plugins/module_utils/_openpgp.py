# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints of OpenPGP public keys, without gpg: what is trusted is what was compared. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

ARMOR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[!-~]+:[^\n]*\n)*\r?\n(.*?)-----END PGP PUBLIC KEY BLOCK-----", re.S
)
PUBLIC_KEY = 6
"""Packet tag of a primary key; subkeys (14) hang on it and are vouched for by it."""


class KeyUnreadable(InfraError):
    """The text is no OpenPGP public key."""


def fingerprints(data: bytes) -> list[str]:
    """Upper-case fingerprints of every primary key in a key file, armoured or not."""
    found = [_fingerprint(body) for tag, body in _packets(dearmor(data)) if tag == PUBLIC_KEY]
    if not found:
        raise KeyUnreadable("it holds no OpenPGP public key")
    return found


def dearmor(data: bytes) -> bytes:
    """The binary form; data that is not armoured is returned as it is."""
    blocks = ARMOR.findall(data)
    if not blocks:
        return data
    try:
        # The line that begins with = is a checksum of the block.
        return b"".join(
            base64.b64decode(b"".join(line for line in block.split() if not line.startswith(b"=")), validate=True)
            for block in blocks
        )
    except binascii.Error as error:
        raise KeyUnreadable(f"its armour is broken: {error}") from error


def _fingerprint(body: bytes) -> str:
    if body[:1] == b"\x04":
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()
    if body[:1] == b"\x06":
        return hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest().upper()
    raise KeyUnreadable(f"a key of format {body[0] if body else 'none'} is not supported")


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, body) of each packet, in the old and the new header format (RFC 9580, section 4.2)."""
    position = 0
    while position < len(data):
        head = data[position]
        if not head & 0x80:
            raise KeyUnreadable("it is no OpenPGP data")
        tag, length, position = _header(data, head, position + 1)
        if position + length > len(data):
            raise KeyUnreadable("it is cut off")
        yield tag, data[position : position + length]
        position += length


def _header(data: bytes, head: int, position: int) -> tuple[int, int, int]:
    """Tag, length of the body, where the body begins."""
    if not head & 0x40:
        size = {0: 1, 1: 2, 2: 4}.get(head & 3)
        if size is None:
            raise KeyUnreadable("a packet without a length is not supported")
        return (head >> 2) & 15, int.from_bytes(data[position : position + size], "big"), position + size
    first = data[position] if position < len(data) else 0
    if first < 192:
        return head & 63, first, position + 1
    if first < 224:
        second = data[position + 1] if position + 1 < len(data) else 0
        return head & 63, ((first - 192) << 8) + second + 192, position + 2
    if first == 255:
        return head & 63, int.from_bytes(data[position + 1 : position + 5], "big"), position + 5
    raise KeyUnreadable("a packet in parts is not supported")
