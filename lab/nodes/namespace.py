"""The lab's private network: one namespace with the Proxmox hosts' bridges, one for the router.

Nothing here touches the machine's own interfaces: every `ip` command names one of the lab's namespaces.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.nodes import bridges, router
from lab.nodes.commands import run

NETNS_FOLDER = Path("/run/netns")
END_SECONDS = 5


@dataclass(frozen=True)
class Bridge:
    """A bridge of the lab: its name, MTU, the Proxmox hosts' addresses on it, and the router's address if any."""

    name: str
    mtu: int
    addresses: Sequence[str]  # with prefix: 192.168.0.2/24
    gateway: str | None = None  # with prefix


def exists(namespace: str) -> bool:
    return (NETNS_FOLDER / namespace).exists()


def path(namespace: str) -> Path:
    return NETNS_FOLDER / namespace


def enter(namespace: str) -> list[str]:
    """Words to put before a command so that it runs in the namespace (its files stay the machine's)."""
    return ["nsenter", f"--net={path(namespace)}", "--"]


def create(namespace: str, bridge: Bridge) -> None:
    """Make the namespace with the management bridge, and the router's: both, or none when it fails half way.

    Further bridges come with the network API.
    """
    try:
        for name in (namespace, router.name(namespace)):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        bridges.make(namespace, bridge.name, bridge.mtu)
        for address in bridge.addresses:
            run("ip", "-n", namespace, "address", "add", address, "dev", bridge.name)
        if bridge.gateway:
            router.attach(namespace, bridge.name, bridge.mtu, bridge.gateway)
    except BaseException:
        remove(namespace)
        raise


def remove(namespace: str) -> None:
    """End what runs in the lab's namespaces and remove them, with their links. Fine with none there."""
    for name in (namespace, router.name(namespace)):
        if exists(name):
            end_processes(name)
            run("ip", "netns", "delete", name)
    if NETNS_FOLDER.is_dir() and not any(NETNS_FOLDER.iterdir()):
        # `ip netns add` mounts this folder on itself; an empty one is of no use to anybody. Another lab may be making
        # its namespace right now: then both steps fail, and that is right.
        run("umount", NETNS_FOLDER, check=False)
        with contextlib.suppress(OSError):
            NETNS_FOLDER.rmdir()


def end_processes(namespace: str) -> None:
    """Ask the processes in the namespace to end, and make them after a few seconds."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in _pids(namespace):
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                continue
        limit = time.monotonic() + END_SECONDS
        while _pids(namespace) and time.monotonic() < limit:
            time.sleep(0.05)


def _pids(namespace: str) -> list[int]:
    return [int(word) for word in run("ip", "netns", "pids", namespace).split() if int(word) != os.getpid()]
