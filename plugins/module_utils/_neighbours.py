# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who on the networks of this machine has an address: its kernel asks, by ARP or neighbour discovery, and tells.

As root, so that what the kernel knew before can be forgotten first. (``_address_probe`` is for who may not do that.)
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock
from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import plain_name

DISCARD_PORT = 9
POLL = 0.2
WITHOUT_ANSWER = {"INCOMPLETE", "FAILED", "NONE"}
NO_HARDWARE = {"", "00:00:00:00:00:00"}

Run = Callable[[list[str]], tuple[int, str]]


@dataclass(frozen=True)
class Answer:
    address: str
    interface: str
    mac: str


@dataclass
class Asked:
    """``unasked`` are addresses behind a gateway, or without a way to them. What this machine has itself is in neither."""

    answers: list[Answer] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)


def ask(run: Run, clock: Clock, addresses: Sequence[str], patience: float) -> Asked:
    """Asks for all addresses at once, and gives them ``patience`` seconds. Tells them in their short form, as the kernel does."""
    result = Asked()
    waiting: dict[str, str] = {}
    for address in map(plain_name, addresses):
        way = _way(run, address)
        if way.get("type") == "local":
            continue
        if not way.get("dev") or way.get("gateway") or way.get("via"):
            result.unasked.append(address)
            continue
        waiting[address] = way["dev"]
        run(["ip", "neighbour", "flush", "to", address, "dev", way["dev"]])
        _say_something(address)
    limit = clock.monotonic() + patience
    while waiting:
        answers, silent = answered(waiting, _json(run(["ip", "-json", "neighbour", "show"])[1]))
        result.answers += answers
        for address in [*(answer.address for answer in answers), *silent]:
            del waiting[address]
        if not waiting or clock.monotonic() >= limit:
            break
        clock.sleep(POLL)
    return result


def answered(waiting: dict[str, str], table: Iterable[dict[str, Any]]) -> tuple[list[Answer], list[str]]:
    """Of the addresses with the interface that they were asked on: who answered, and for which the kernel has given up."""
    answers, silent = [], []
    for entry in table:
        address = entry.get("dst", "")
        if waiting.get(address) != entry.get("dev"):
            continue
        states = set(entry.get("state") or [])
        if entry.get("lladdr") and not states & WITHOUT_ANSWER:
            answers.append(Answer(address, entry["dev"], entry["lladdr"].lower()))
        elif "FAILED" in states:
            silent.append(address)
    return answers, silent


def own_macs(folder: Path = Path("/sys/class/net")) -> list[str]:
    """Hardware addresses of this machine's interfaces."""
    found = set()
    for path in folder.glob("*/address"):
        with contextlib.suppress(OSError):
            found.add(path.read_text(encoding="ascii").strip().lower())
    return sorted(found - NO_HARDWARE)


def _way(run: Run, address: str) -> dict[str, Any]:
    code, output = run(["ip", "-json", "route", "get", address])
    found = _json(output) if code == 0 else []
    return found[0] if found else {}


def _json(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [entry for entry in found if isinstance(entry, dict)]


def _say_something(address: str) -> None:
    """A datagram that nobody expects, so that the kernel needs the hardware address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", (address, DISCARD_PORT))
