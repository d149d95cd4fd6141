# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One address question to one DNS server over UDP (RFC 1035), so that the server itself is checked.

The system's resolver would mix in /etc/hosts and other servers, and a guest needs no extra package for this.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct

TYPES = {"A": 1, "AAAA": 28}
HEADER = struct.Struct("!HHHHHH")
RECORD = struct.Struct("!HHIH")
RECURSION_DESIRED = 0x0100
TRUNCATED = 0x0200
POINTER = 0xC0
RCODES = {1: "format error", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}


class DnsError(Exception):
    """The server gave no usable answer; the text says why."""


def build_query(ident: int, name: str, kind: str) -> bytes:
    """The datagram that asks for records of ``kind`` (``A`` or ``AAAA``). Raises DnsError on a name DNS cannot hold."""
    labels = name.rstrip(".").split(".")
    encoded = b""
    for label in labels:
        try:
            raw = label.encode("idna") if not label.isascii() else label.encode("ascii")
        except UnicodeError as error:
            raise DnsError(f"{name!r} is not a DNS name") from error
        if not 0 < len(raw) < 64:
            raise DnsError(f"{name!r} is not a DNS name")
        encoded += bytes([len(raw)]) + raw
    if len(encoded) > 254:
        raise DnsError(f"{name!r} is longer than DNS allows")
    return HEADER.pack(ident, RECURSION_DESIRED, 1, 0, 0, 0) + encoded + struct.pack("!BHH", 0, TYPES[kind], 1)


def parse_answer(datagram: bytes, ident: int, kind: str) -> list[str]:
    """The addresses in an answer, sorted; an empty list when the name has none of this kind. Raises DnsError."""
    try:
        got, flags, questions, answers, _authority, _additional = HEADER.unpack_from(datagram)
        if got != ident:
            raise DnsError("the answer belongs to another question")
        if flags & TRUNCATED:
            raise DnsError("the answer was cut short")
        if flags & 0x000F:
            code = flags & 0x000F
            raise DnsError(RCODES.get(code, f"error {code}"))
        offset = HEADER.size
        for _question in range(questions):
            offset = _skip_name(datagram, offset) + 4
        found = set()
        for _answer in range(answers):
            offset = _skip_name(datagram, offset)
            record_type, _class, _ttl, length = RECORD.unpack_from(datagram, offset)
            offset += RECORD.size
            data = datagram[offset : offset + length]
            offset += length
            if record_type == TYPES[kind]:
                found.add(str(ipaddress.ip_address(data)))
        return sorted(found)
    except (struct.error, IndexError, ValueError) as error:
        raise DnsError("the answer is not a DNS message") from error


def _skip_name(datagram: bytes, offset: int) -> int:
    """Offset behind the name that starts at ``offset``; raises IndexError past the end."""
    while True:
        length = datagram[offset]
        if length & POINTER == POINTER:
            return offset + 2
        offset += 1 + length
        if length == 0:
            return offset


def ask(server: str, name: str, kind: str, timeout: float = 2.0, tries: int = 2, port: int = 53) -> list[str]:
    """Ask ``server`` (an address) for ``name``; ``timeout`` is in seconds per try. Raises DnsError."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    ident = secrets.randbelow(1 << 16)
    query = build_query(ident, name, kind)
    for _attempt in range(tries):
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            channel.settimeout(timeout)
            try:
                channel.connect((server, port))
                channel.send(query)
                return parse_answer(channel.recv(4096), ident, kind)
            except TimeoutError:
                continue
            except OSError as error:
                raise DnsError(f"{server} cannot be asked: {error.strerror or error}") from error
    raise DnsError(f"{server} does not answer")
