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
SIGNATURE = 2
PUBLIC_KEY = 6
"""Packet tag of a primary key; subkeys (14) hang on it and are vouched for by it."""


SELF_SIGNATURES = (0x10, 0x11, 0x12, 0x13, 0x1F)
"""Types of signatures that can say until when the primary key is valid: on a name, and on the key itself."""
SIGNED_AT = 2
VALID_FOR = 9


class KeyUnreadable(InfraError):
    """The text is no OpenPGP public key."""


def fingerprints(data: bytes) -> list[str]:
    """Upper-case fingerprints of every primary key in a key file, armoured or not."""
    found = [_fingerprint(body) for tag, body in _packets(dearmor(data)) if tag == PUBLIC_KEY]
    if not found:
        raise KeyUnreadable("it holds no OpenPGP public key")
    return found


def valid_until(data: bytes) -> int | None:
    """When the first of the primary keys runs out, in seconds of the epoch; None if none does.

    What a key's newest signature says counts, as a publisher extends a key with a further one. Signatures are not
    verified: a key file is compared by its fingerprints, and this only tells when to look for a newer one.
    """
    ends: list[int] = []
    made, newest = 0, (0, 0)
    for tag, body in [*_packets(dearmor(data)), (PUBLIC_KEY, b"")]:
        if tag == PUBLIC_KEY:
            ends += [made + newest[1]] if newest[1] else []
            made, newest = int.from_bytes(body[1:5], "big"), (0, 0)
        elif tag == SIGNATURE and body[:1] in (b"\x04", b"\x06") and body[1:2] and body[1] in SELF_SIGNATURES:
            times = _times(body)
            newest = max(newest, (times.get(SIGNED_AT, 0), times.get(VALID_FOR, 0)))
    return min(ends, default=None)


def _times(body: bytes) -> dict[int, int]:
    """Numbers of four bytes by type of subpacket, of the part of a signature that is itself signed (section 5.2.3)."""
    size = 2 if body[0] == 4 else 4
    area = body[4 + size : 4 + size + int.from_bytes(body[4 : 4 + size], "big")]
    found: dict[int, int] = {}
    while area:
        first = area[0]
        if first < 192:
            start, length = 1, first
        elif first < 255:
            start, length = 2, ((first - 192) << 8) + int.from_bytes(area[1:2], "big") + 192
        else:
            start, length = 5, int.from_bytes(area[1:5], "big")
        # The highest bit of the type says that the subpacket must be understood.
        if length == 5:
            found[int.from_bytes(area[start : start + 1], "big") & 0x7F] = int.from_bytes(area[start + 1 : start + 5], "big")
        area = area[start + length :] if length else b""
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
