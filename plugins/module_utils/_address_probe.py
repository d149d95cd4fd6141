# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does somebody already answer at an address that is planned for a new guest?

Only addresses on a network of this machine are asked (a connection to port 22, which also makes the kernel ask by ARP);
farther ones would only tell about routers on the way, so they are said not to have been asked. A neighbour that the
kernel knew before is no answer, since it may be a guest that was destroyed a moment ago. IPv6 has no such table that
everyone may read, so there only a connection taken or refused is an answer.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PROBE_SECONDS = 1.0
_COMPLETE = 0x2


@dataclass(frozen=True)
class Probed:
    """``answering`` are addresses that somebody has, ``unasked`` those on no network of this machine."""

    answering: list[str]
    unasked: list[str]


def probe_addresses(addresses: Iterable[str]) -> Probed:
    """Asks for each address that is near."""
    near = [*local_networks(_read("/proc/net/route")), *local_networks6(_read("/proc/net/if_inet6"))]
    wanted = list(addresses)
    asked = [address for address in wanted if _is_near(address, near)]
    unasked = [address for address in wanted if address not in asked]
    if not asked:
        return Probed([], unasked)
    before = neighbours(_read("/proc/net/arp"))
    with ThreadPoolExecutor(min(32, len(asked))) as pool:
        connected = list(pool.map(_answers, asked))
    after = neighbours(_read("/proc/net/arp"))
    found = [address for address, yes in zip(asked, connected) if yes or (address in after and address not in before)]
    return Probed(found, unasked)


def local_networks(routes: str) -> list[ipaddress.IPv4Network]:
    """Networks without a gateway in the text of ``/proc/net/route``."""
    result = []
    for line in routes.splitlines()[1:]:
        fields = line.split()
        destination, gateway, mask = (struct.pack("<L", int(fields[index], 16)) for index in (1, 2, 7))
        if gateway == b"\0\0\0\0" and mask != b"\0\0\0\0":
            result.append(ipaddress.IPv4Network((destination, bin(int.from_bytes(mask, "big")).count("1"))))
    return result


def local_networks6(interfaces: str) -> list[ipaddress.IPv6Network]:
    """Networks of global addresses in the text of ``/proc/net/if_inet6``."""
    result = []
    for line in interfaces.splitlines():
        address, _index, prefix, scope = line.split()[:4]
        if scope == "00" and prefix != "80":
            result.append(ipaddress.IPv6Network((int(address, 16), int(prefix, 16)), strict=False))
    return result


def neighbours(table: str) -> set[str]:
    """Addresses with a hardware address in the text of ``/proc/net/arp``."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return {row[0] for row in rows if len(row) >= 4 and int(row[2], 16) & _COMPLETE}


def _is_near(address: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in networks)


def _answers(address: str) -> bool:
    """Somebody takes or refuses a connection. A refusal by this machine itself counts too: the address is then ours."""
    try:
        with socket.create_connection((address, 22), timeout=PROBE_SECONDS):
            return True
    except OSError as error:
        return error.errno == errno.ECONNREFUSED


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""
