"""Addresses that somebody already has. Needs a network of its own, so root and `unshare`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from lab.pve.process import ROOT

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"),
    reason="a network namespace with a neighbour in it needs root, unshare (util-linux) and ip (iproute2)",
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    command = [
        "unshare",
        "--net",
        sys.executable,
        "-m",
        "tests.emulated.address_namespace",
        str(tmp_path_factory.mktemp("net")),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "address"), [("refusing", "198.51.100.7"), ("silent", "198.51.100.8"), ("ipv6", "2001:db8::7")]
)
def test_an_address_that_answers_is_refused_before_the_first_write(
    found: dict[str, dict[str, object]], name: str, address: str
) -> None:
    """By a connection refused, by ARP alone, and over IPv6."""
    assert found[name]["failed"] and found[name]["writes"] == {}
    assert f"address {address} already answers on the network, though the guest does not exist" in str(
        found[name]["message"]
    )


def test_an_address_that_nobody_has_is_free_and_the_guest_itself_is_no_stranger(
    found: dict[str, dict[str, object]],
) -> None:
    assert not found["free"]["failed"] and found["free"]["writes"]
    assert not found["again"]["failed"] and found["again"]["writes"] == {}


def test_an_address_of_a_far_network_is_said_not_to_have_been_asked(found: dict[str, dict[str, object]]) -> None:
    assert not found["far"]["failed"]
    assert "Whether somebody has 203.0.113.5 was not asked" in str(found["far"]["warnings"])
