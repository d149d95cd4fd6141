"""Who has a planned address, asked on real networks. Needs one of its own, so root and `unshare`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from lab.pve.process import ROOT
from tests.emulated.neighbour_namespace import MAC

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"),
    reason="a network namespace with a neighbour in it needs root, unshare (util-linux) and ip (iproute2)",
)


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    command = ["unshare", "--net", sys.executable, "-m", "tests.emulated.neighbour_namespace"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", ["taken", "taken again"])
def test_an_address_that_a_silent_neighbour_has_is_refused_with_its_hardware_address(
    found: dict[str, dict[str, Any]], case: str
) -> None:
    """Also when the kernel has known it before."""
    assert found[case]["failed"]
    assert found[case]["msg"] == (
        f"Planned for the Kubernetes API and already in use: 198.51.100.7 ({MAC} answers on v0). Find out who has it, or "
        "write another into vip.address. Nothing was changed"
    )


def test_so_is_an_ipv6_address(found: dict[str, dict[str, Any]]) -> None:
    assert f"2001:db8::7 ({MAC} answers on v0)" in found["taken by IPv6"]["msg"]


@pytest.mark.parametrize("case", ["a master's", "free", "our own"])
def test_what_nobody_else_has_is_free(found: dict[str, dict[str, Any]], case: str) -> None:
    assert not found[case].get("failed") and found[case]["unasked"] == [] and not found[case]["changed"]


def test_whoever_may_answer_is_told_all_the_same(found: dict[str, dict[str, Any]]) -> None:
    assert found["a master's"]["answers"] == [{"address": "198.51.100.7", "interface": "v0", "mac": MAC}]


@pytest.mark.parametrize(("case", "address"), [("far", "203.0.113.5"), ("no way", "192.0.2.5")])
def test_an_address_that_cannot_be_asked_for_is_a_warning(
    found: dict[str, dict[str, Any]], case: str, address: str
) -> None:
    assert not found[case].get("failed") and found[case]["unasked"] == [address]
    assert f"Whether somebody has {address} was not asked" in str(found[case]["warnings"])
