# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs in the network namespaces of pods, started from the pods' node: an echo server, and work in a child process.

A namespace is entered by a child process only; the module's own process stays where it is.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import secrets
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLONE_NEWNET = 0x40000000
SERVER_LIFETIME = 300
"""Seconds after which an echo server ends, should its pod still be there."""
CONNECT_SECONDS = 3.0
"""For one try to connect; CONNECT_PAUSE is the pause after it."""
CONNECT_PAUSE = 0.5
PROC = Path("/proc")


class PodNotHere(Exception):
    """No process of the pod runs on this machine."""


def pod_process(uid: str) -> int:
    """A process of the pod, found by its control group. Raises PodNotHere."""
    names = (uid, uid.replace("-", "_"))
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                groups = (entry / "cgroup").read_text(encoding="utf-8")
            except OSError:
                continue
            if any(name in groups for name in names):
                return int(entry.name)
    raise PodNotHere(f"no process of the pod with uid {uid} is on this node")


def enter_network(pid: int) -> None:
    """Moves the calling process into a process' network namespace. Raises OSError."""
    handle = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(handle, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"cannot enter the network namespace of process {pid}: {os.strerror(number)}")
    finally:
        os.close(handle)


def in_network(pid: int, work: Callable[[], Any]) -> Any:
    """What ``work`` returns (JSON) in the network namespace of a process. Raises OSError with what went wrong there."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            enter_network(pid)
            answer = {"result": work()}
        except Exception as error:  # the parent raises it
            answer = {"error": f"{type(error).__name__}: {error}"}
        with os.fdopen(writer, "w", encoding="utf-8") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    told = json.loads(text) if text else {"error": "the child process ended without a word"}
    if "error" in told:
        raise OSError(told["error"])
    return told["result"]


def start_echo(pid: int, port: int) -> None:
    """An echo server in the pod's network namespace, in the background, unless one is there. It ends with the pod, or after
    SERVER_LIFETIME.

    Raises OSError if it cannot listen.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        _serve(pid, port, writer)
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        said = pipe.read()
    if said != "listening":
        raise OSError(said or "the echo server did not start")


def _serve(pid: int, port: int, writer: int) -> None:
    """Runs in the background process: tells ``writer`` whether it listens, then echoes until its time is over."""
    try:
        enter_network(pid)
        server = _listen(port)
    except OSError as error:
        # Nothing else is in these pods: one that is there was started by a try that failed after it.
        there = error.errno == errno.EADDRINUSE
        os.write(writer, b"listening" if there else f"port {port}: {error}".encode())
        return
    # Nobody may wait for this process: it gives up all it has inherited.
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.write(writer, b"listening")
    os.close(writer)
    end = time.monotonic() + SERVER_LIFETIME
    while time.monotonic() < end and (PROC / str(pid)).exists():
        if select.select([server], [], [], 1.0)[0]:
            client, _peer = server.accept()
            if os.fork() == 0:
                server.close()
                _echo(client)
                os._exit(0)
            client.close()
        _reap()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    except (OSError, ValueError):
        return socket.create_server(("0.0.0.0", port), backlog=64)


def _echo(client: socket.socket) -> None:
    client.settimeout(20)
    try:
        while data := client.recv(1 << 16):
            client.sendall(data)
    except OSError:
        pass


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def echo(address: str, port: int, size: int, timeout: float, patience: float) -> dict[str, Any]:
    """Sends ``size`` random bytes and reads them back. ``error`` is empty when all came back, ``segment`` is the size of
    the TCP segments in bytes.

    A connection that is lost or refused is made anew until ``patience`` seconds are over: a Service takes some moments
    to be known on every node, and the packets of a connection that began before that go on to nowhere.
    """
    end = time.monotonic() + patience
    while True:
        try:
            with socket.create_connection((address, port), CONNECT_SECONDS) as channel:
                return _echoed(channel, size, timeout)
        except OSError as error:
            if time.monotonic() >= end:
                return {"error": str(error) or type(error).__name__, "segment": None}
            time.sleep(CONNECT_PAUSE)


def _echoed(channel: socket.socket, size: int, timeout: float) -> dict[str, Any]:
    data = secrets.token_bytes(size)
    back = bytearray()
    sent = 0
    channel.setblocking(False)
    end = time.monotonic() + timeout
    while len(back) < size:
        left = end - time.monotonic()
        if left <= 0:
            return {"error": f"{len(back)} of {size} bytes came back in {timeout:g} s", "segment": None}
        readable, writable, _errors = select.select([channel], [channel] if sent < size else [], [], left)
        if writable:
            sent += channel.send(data[sent : sent + (1 << 16)])
        if readable:
            part = channel.recv(1 << 16)
            if not part:
                return {"error": f"closed after {len(back)} of {size} bytes", "segment": None}
            back += part
    segment = channel.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    return {"error": "" if back == data else "other bytes came back", "segment": segment}


def connects(address: str, port: int, timeout: float) -> bool:
    """Whether a connection can be made."""
    return not connection_problem(address, port, timeout)


def connection_problem(address: str, port: int, timeout: float) -> str:
    """Why no connection can be made; empty where one can."""
    try:
        with socket.create_connection((address, port), timeout):
            return ""
    except OSError as error:
        return str(error) or type(error).__name__


def becomes_blocked(address: str, port: int, wait: float) -> bool:
    """Whether connections are refused or lost within ``wait`` seconds: a policy takes a moment to be enforced."""
    end = time.monotonic() + wait
    while connects(address, port, 2.0):
        if time.monotonic() >= end:
            return False
        time.sleep(0.5)
    return True


def resolver_of(pid: int) -> dict[str, list[str]]:
    """``servers`` and ``search`` of the pod's own resolv.conf."""
    found: dict[str, list[str]] = {"servers": [], "search": []}
    text = (PROC / str(pid) / "root/etc/resolv.conf").read_text(encoding="utf-8")
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["nameserver"]:
            found["servers"] += words[1:2]
        elif words[:1] == ["search"]:
            found["search"] = words[1:]
    return found
