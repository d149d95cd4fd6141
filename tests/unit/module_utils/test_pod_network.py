# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Echo servers and work in another network namespace, with a real one that stands for a pod's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._pod_network import (
    PodNotHere,
    becomes_blocked,
    connects,
    echo,
    in_network,
    pod_process,
    start_echo,
)

PORT = 7777


@pytest.fixture(scope="module")
def pod() -> Iterator[int]:
    """The process of something in a network namespace of its own, where the loopback is up."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("network namespaces need root and unshare")
    process = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && exec sleep 120"])
    end = time.monotonic() + 10
    while process.poll() is None and not _apart(process.pid) and time.monotonic() < end:
        time.sleep(0.05)
    if process.poll() is not None or not _apart(process.pid):
        process.kill()
        process.wait()
        pytest.skip("this machine makes no network namespaces")
    yield process.pid
    process.kill()
    process.wait()


def _apart(pid: int) -> bool:
    running = "sleep" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    return running and os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")


def test_work_is_done_in_the_other_namespace_only(pod: int) -> None:
    here = os.readlink("/proc/self/ns/net")
    assert in_network(pod, lambda: os.readlink("/proc/self/ns/net")) == os.readlink(f"/proc/{pod}/ns/net") != here
    assert os.readlink("/proc/self/ns/net") == here


def test_what_goes_wrong_there_is_told_here(pod: int) -> None:
    with pytest.raises(OSError, match="ValueError: no"):
        in_network(pod, _fail)
    with pytest.raises(OSError):
        in_network(2**22 + 1, lambda: 1)


def _fail() -> None:
    raise ValueError("no")


def test_an_echo_server_answers_in_the_namespace_and_not_outside(pod: int) -> None:
    start_echo(pod, PORT)
    answer = in_network(pod, lambda: echo("127.0.0.1", PORT, 1 << 20, 10, 0))
    assert answer["error"] == "" and answer["segment"] > 1000
    assert not connects("127.0.0.1", PORT, 1)
    assert in_network(pod, lambda: becomes_blocked("127.0.0.1", PORT, 0)) is False
    assert in_network(pod, lambda: becomes_blocked("127.0.0.1", PORT + 1, 0)) is True
    start_echo(pod, PORT)
    assert in_network(pod, lambda: echo("127.0.0.1", PORT, 1, 10, 0))["error"] == "", "the one that is there goes on"


def test_without_the_pod_nothing_echoes_on_the_node() -> None:
    with pytest.raises(OSError, match=f"port {PORT + 2}"):
        start_echo(2**22 + 1, PORT + 2)
    assert not connects("127.0.0.1", PORT + 2, 1)


def test_a_service_that_is_known_a_moment_later_is_reached_by_a_new_connection() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]  # bound and not listening: refused

        def listen_later() -> None:
            time.sleep(0.2)
            server.listen()
            peer, _address = server.accept()
            with peer:
                while data := peer.recv(1 << 16):
                    peer.sendall(data)

        thread = threading.Thread(target=listen_later)
        thread.start()
        answer = echo("127.0.0.1", port, 1 << 16, 10, 60)
        thread.join()
    assert answer["error"] == ""


def test_a_service_that_nobody_serves_is_given_up() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        assert "refused" in echo("127.0.0.1", server.getsockname()[1], 1, 1, 0)["error"]


def test_an_echo_that_closes_early_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if os.fork() == 0:
            client, _peer = server.accept()
            client.recv(10)
            client.close()
            os._exit(0)
        assert echo("127.0.0.1", port, 1 << 20, 5, 0)["error"]


def test_a_pod_that_is_elsewhere_is_told() -> None:
    with pytest.raises(PodNotHere, match="00000000-dead"):
        pod_process("00000000-dead-beef-0000-000000000000")
