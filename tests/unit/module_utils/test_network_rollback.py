# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a network back: what the kernel lacks, and who decides, the confirmation or the host."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._network_rollback import (
    KEPT,
    restore_script,
    unmet_links,
)

WANTED = {"name": "vmbr1", "cidr": "10.0.0.2/24", "cidr6": "fd00::2/64", "mtu": 9000, "autostart": True}
LINK = {
    "ifname": "vmbr1",
    "flags": ["BROADCAST", "UP"],
    "mtu": 9000,
    "addr_info": [{"local": "10.0.0.2", "prefixlen": 24}, {"local": "fd00::2", "prefixlen": 64}],
}


def test_a_bridge_as_wanted_lacks_nothing() -> None:
    assert unmet_links([WANTED], [LINK]) == []


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ({"ifname": "vmbr2"}, ["vmbr1 is not there"]),
        ({**LINK, "flags": ["BROADCAST"]}, ["vmbr1 is not up"]),
        ({**LINK, "mtu": 1500}, ["vmbr1 has MTU 1500, not 9000"]),
        ({**LINK, "addr_info": LINK["addr_info"][:1]}, ["vmbr1 has 10.0.0.2/24, not fd00::2/64"]),
        ({**LINK, "addr_info": []}, ["vmbr1 has no address, not 10.0.0.2/24", "vmbr1 has no address, not fd00::2/64"]),
    ],
)
def test_what_a_bridge_lacks_is_named(link: dict[str, object], said: list[str]) -> None:
    assert unmet_links([WANTED], [link]) == said


def test_a_bridge_that_does_not_come_up_by_itself_is_not_looked_at() -> None:
    assert unmet_links([{**WANTED, "autostart": False}], []) == []


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A host's folders, with a changed network of which the former is kept, and an ifreload that counts its calls."""
    for folder in ("kept", "network", "bin"):
        (tmp_path / folder).mkdir()
    (tmp_path / "network/interfaces").write_text("new")
    (tmp_path / "network/interfaces.new").write_text("half made")
    (tmp_path / "kept" / KEPT).write_text("former")
    program = tmp_path / "bin/ifreload"
    program.write_text(f"#!/bin/sh\necho $@ >> {tmp_path}/calls\n")
    program.chmod(0o755)
    return tmp_path


def restore(host: Path) -> int:
    script = restore_script(str(host / "kept"), str(host / "network"))
    environment = {**os.environ, "PATH": f"{host}/bin:{os.environ['PATH']}"}
    return subprocess.run(["/bin/sh", "-c", script], env=environment, check=False).returncode


def test_the_former_network_is_put_back_and_what_waits_beside_it_is_dropped(host: Path) -> None:
    assert restore(host) == 0
    assert (host / "network/interfaces").read_text() == "former"
    assert [path.name for path in (host / "network").iterdir()] == ["interfaces"]
    assert list((host / "kept").iterdir()) == []
    assert (host / "calls").read_text() == "-a\n"


def test_a_confirmed_network_stays(host: Path) -> None:
    (host / "kept" / KEPT).unlink()
    assert restore(host) == 0
    assert (host / "network/interfaces").read_text() == "new"
    assert not (host / "calls").exists()
