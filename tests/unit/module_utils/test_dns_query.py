# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a DNS server, tried against a small server on the loopback and against garbage."""

from __future__ import annotations

import socket
import struct
import threading

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._dns_query import DnsError, ask, build_query, parse_answer
from hypothesis import given
from hypothesis import strategies as st


def answer(query: bytes, *addresses: bytes, flags: int = 0x8180) -> bytes:
    """What a server sends: the question repeated, then one record per address under a compressed name."""
    head = query[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0)
    records = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", 1 if len(raw) == 4 else 28, 1, 60, len(raw)) + raw for raw in addresses
    )
    return head + query[12:] + records


def test_addresses_are_read_from_an_answer() -> None:
    query = build_query(7, "node-1.example.net", "A")
    assert parse_answer(answer(query, bytes([10, 0, 0, 12]), bytes([10, 0, 0, 11])), 7, "A") == [
        "10.0.0.11",
        "10.0.0.12",
    ]


def test_records_of_another_kind_are_passed_over() -> None:
    query = build_query(7, "node-1.example.net", "A")
    assert parse_answer(answer(query, bytes(15) + b"\1"), 7, "A") == []


def test_a_refusal_says_so() -> None:
    with pytest.raises(DnsError, match="no such name"):
        parse_answer(answer(build_query(7, "x.example", "A"), flags=0x8183), 7, "A")


def test_an_answer_to_another_question_is_refused() -> None:
    with pytest.raises(DnsError, match="another question"):
        parse_answer(answer(build_query(7, "x.example", "A")), 8, "A")


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "ü" * 64, ".".join(["abcdefgh"] * 40)])
def test_a_name_that_dns_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(DnsError):
        build_query(1, name, "A")


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_but_dns_error(datagram: bytes) -> None:
    try:
        parse_answer(datagram, 7, "A")
    except DnsError:
        pass


def test_a_server_on_the_loopback_is_asked() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)

        def serve() -> None:
            query, peer = server.recvfrom(512)
            server.sendto(answer(query, bytes([192, 0, 2, 9])), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert ask("127.0.0.1", "node-9.example.net", "A", timeout=10, port=server.getsockname()[1]) == ["192.0.2.9"]
        thread.join()


def test_a_port_without_a_server_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(DnsError, match="127.0.0.1"):
        ask("127.0.0.1", "x.example", "A", timeout=0.2, tries=1, port=port)
