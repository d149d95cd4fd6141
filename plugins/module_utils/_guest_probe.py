# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest looks like from inside: reading only, and judged elsewhere (``_machine_report``)."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._dns_query import DnsError, ask

PINGS_AT_ONCE = 8
"""Each ping's socket gets a copy of the answers to all of them: with many at once and large packets it overflows on a busy
machine, and the ping counts as lost what has arrived. So there are few, and what was lost is asked for again alone."""
PING_INTERVAL = 0.2
"""Seconds between the packets of one ping: the shortest that needs no privilege."""
SETTLE = 10
"""Seconds that an address has for its first answer."""

IP_HEADERS = {4: 20 + 8, 6: 40 + 8}
"""Bytes of IP and ICMP headers: a packet of MTU size carries the rest."""

SUMMARY = re.compile(r"(\d+) packets transmitted, (\d+) (?:packets )?received")
DISK_LINKS = (
    "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_{name}",
    "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_drive-scsi{index}",
)
"""A disk with a serial is known by it, which is its name in the table; one without by its position on the bus."""

SECTOR = 512

TIMED_OUT = 124
"""Exit code of timeout(1) when it had to end the command."""

Run = Callable[[list[str]], tuple[int, str]]
"""Runs a command: its exit code and what it printed. A program that is not installed is code 127 and no text."""


def probe(
    run: Run,
    names: Sequence[str],
    dns_server: str | None,
    pings: Sequence[Mapping[str, Any]],
    disks: Sequence[str],
    cloud_init_timeout: int,
) -> dict[str, Any]:
    """Everything that the checks of one guest need, in one go."""
    return {
        "cloud_init": cloud_init_state(run, cloud_init_timeout),
        "container": run(["systemd-detect-virt", "--container"])[1].strip() not in ("", "none"),
        "hostname": socket.gethostname(),
        "interfaces": parse_interfaces(run(["ip", "-json", "address", "show"])[1]),
        "resolved": {name: _resolve(name) for name in names},
        "served": {name: _serve(dns_server, name) for name in names} if dns_server else {},
        "pings": run_pings(run, pings),
        "disks": [_disk_size(name, index) for index, name in enumerate(disks)],
    }


def cloud_init_state(run: Run, timeout: int) -> dict[str, Any]:
    """``status`` is ``done``, ``error``, ``running`` (after ``timeout`` seconds), ``disabled`` or ``absent``."""
    code, text = run(["timeout", str(timeout), "cloud-init", "status", "--wait"])
    if code == TIMED_OUT:
        return {"status": "running", "errors": []}
    match = re.search(r"^status: (\S+)", text, re.MULTILINE)
    return {"status": match.group(1) if match else "absent", "errors": _cloud_init_errors()}


def _cloud_init_errors(path: str = "/run/cloud-init/result.json") -> list[str]:
    try:
        with open(path, encoding="utf-8") as handle:
            return [str(item) for item in json.load(handle)["v1"]["errors"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def parse_interfaces(text: str) -> dict[str, dict[str, Any]]:
    """``{name: {mac, mtu, addresses}}`` from ``ip -json address``; loopback and link-local addresses are left out."""
    result = {}
    for link in json.loads(text or "[]"):
        if not link.get("ifname") or "LOOPBACK" in (link.get("flags") or []):
            continue
        result[link["ifname"]] = {
            "mac": link.get("address"),
            "mtu": link.get("mtu"),
            "addresses": [
                f"{item['local']}/{item['prefixlen']}"
                for item in link.get("addr_info") or []
                if item.get("scope") == "global"
            ],
        }
    return result


def _resolve(name: str) -> list[str]:
    """Addresses as programs on the guest see them, /etc/hosts included; an empty list if there are none."""
    try:
        return sorted({str(item[4][0]) for item in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError):  # UnicodeError: a name that IDNA cannot hold
        return []


def _serve(server: str, name: str) -> dict[str, Any]:
    """The DNS server's own answer: ``addresses``, or ``error``."""
    addresses: list[str] = []
    for kind in ("A", "AAAA"):
        try:
            addresses += ask(server, name, kind)
        except DnsError as error:
            return {"addresses": addresses, "error": str(error)}
    return {"addresses": addresses, "error": None}


def ping_command(address: str, mtu: int, count: int) -> list[str]:
    """Ping with packets of exactly ``mtu`` bytes that no router may cut."""
    size = mtu - IP_HEADERS[ipaddress.ip_address(address).version]
    return [
        "ping",
        "-n",
        "-q",
        "-M",
        "do",
        "-s",
        str(size),
        "-c",
        str(count),
        "-i",
        str(PING_INTERVAL),
        "-W",
        "2",
        address,
    ]


def run_pings(run: Run, pings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each ``{address, mtu, count}`` gets ``sent`` and ``received``; one that lost everything also ``small``: whether
    the address answers a packet of 100 bytes, which tells a path that is too narrow from one that is not there.

    Where an address answers and packets were lost, it is asked again, alone, and only that counts."""
    with ThreadPoolExecutor(PINGS_AT_ONCE) as pool:
        found = list(pool.map(lambda ping: _ping(run, ping), pings))
    return [_measured(run, ping) if ping["small"] or 0 < ping["received"] < ping["sent"] else ping for ping in found]


def _ping(run: Run, ping: Mapping[str, Any]) -> dict[str, Any]:
    # Packets to a machine that was made anew go to its old hardware address until the neighbour table has found that
    # out, which is no loss of the path: the address has some time for a first answer.
    run(["ping", "-n", "-q", "-c", "1", "-w", str(SETTLE), "-i", str(PING_INTERVAL), ping["address"]])
    return _measured(run, ping)


def _measured(run: Run, ping: Mapping[str, Any]) -> dict[str, Any]:
    sent, received = _count(run, ping["address"], ping["mtu"], ping["count"])
    small = None if received else bool(_count(run, ping["address"], 100, 2)[1])
    return {**ping, "sent": sent, "received": received, "small": small}


def _count(run: Run, address: str, mtu: int, count: int) -> tuple[int, int]:
    return parse_ping(run(ping_command(address, mtu, count))[1], count)


def parse_ping(output: str, count: int) -> tuple[int, int]:
    """(sent, received); a ping that could not even start has sent ``count`` and received none."""
    match = SUMMARY.search(output)
    return (int(match.group(1)), int(match.group(2))) if match else (count, 0)


def _disk_size(name: str, index: int) -> int | None:
    """Bytes of a disk, found by its serial or its position, as names such as sdb may swap; None if absent."""
    links = [link.format(name=name, index=index) for link in DISK_LINKS]
    found = next((link for link in links if os.path.exists(link)), None)
    if found is None:
        return None
    block = os.path.basename(os.path.realpath(found))
    try:
        with open(f"/sys/class/block/{block}/size", encoding="ascii") as handle:
            return int(handle.read()) * SECTOR
    except (OSError, ValueError):
        return None
