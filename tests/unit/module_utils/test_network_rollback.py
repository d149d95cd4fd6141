# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a network back: what the kernel lacks, and who decides, the confirmation or the host."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._network_rollback import (
    BOOT,
    BOOT_LINK,
    KEPT,
    RESTORING,
    Rollback,
    boot_script,
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
    for folder in ("kept", "network", "bin", "units/multi-user.target.wants"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "network/interfaces").write_text("new")
    (tmp_path / "network/interfaces.new").write_text("half made")
    (tmp_path / "kept" / KEPT).write_text("former")
    program = tmp_path / "bin/ifreload"
    program.write_text(f"#!/bin/sh\necho $@ >> {tmp_path}/calls\n")
    program.chmod(0o755)
    return tmp_path


def places(host: Path) -> tuple[str, str, str]:
    return str(host / "kept"), str(host / "network"), str(host / "units")


def restore(host: Path) -> int:
    script = restore_script(*places(host))
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


@pytest.mark.parametrize("left", [KEPT, RESTORING])
def test_at_boot_the_former_file_is_back_before_the_network_starts_and_the_service_is_gone(host: Path, left: str) -> None:
    """Also where the host went down while it restored."""
    (host / "kept" / KEPT).rename(host / "kept" / left)
    for name in (BOOT, BOOT_LINK):
        (host / "units" / name).write_text("")
    subprocess.run(["/bin/sh", "-c", boot_script(*places(host))], check=True)
    assert (host / "network/interfaces").read_text() == "former"
    assert list((host / "kept").iterdir()) == [] and not (host / "calls").exists()
    assert [path for path in (host / "units").rglob("*") if path.is_file()] == []


def test_at_boot_a_confirmed_network_stays(host: Path) -> None:
    (host / "kept" / KEPT).unlink()
    subprocess.run(["/bin/sh", "-c", boot_script(*places(host))], check=True)
    assert (host / "network/interfaces").read_text() == "new"


def test_the_service_is_there_from_the_start_of_a_change_to_its_end(tmp_path: Path) -> None:
    units = tmp_path / "etc/systemd/system"
    for folder in (units, tmp_path / "etc/network"):
        folder.mkdir(parents=True)
    (tmp_path / "etc/network/interfaces").write_text("former")
    rollback = Rollback(lambda _command: (0, "[]", ""), tmp_path)
    rollback.arm(60)
    text = (units / BOOT).read_text()
    assert (units / BOOT_LINK).resolve() == units / BOOT and "Before=network-pre.target networking.service" in text
    rollback.confirm([])
    assert not (units / BOOT).exists() and not (units / BOOT_LINK).is_symlink()
    failing = Rollback(lambda command: (1 if command[0] == "systemd-run" else 0, "[]", "no bus"), tmp_path)
    with pytest.raises(InfraError, match="the timer detectviz-network-rollback cannot be started"):
        failing.arm(60)
    assert not (units / BOOT).exists() and not failing.unconfirmed()


@pytest.fixture
def proxmox(tmp_path: Path) -> Path:
    """The root of a host whose network may be changed."""
    for folder in ("etc/systemd/system", "etc/network", "var/lib/detectviz-infra/network-rollback"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/network/interfaces").write_text("former")
    return tmp_path


@pytest.mark.parametrize("file", [f"etc/systemd/system/{BOOT}", "var/lib/detectviz-infra/network-rollback/draft"])
def test_a_full_disk_is_told_with_the_file_and_leaves_nothing_armed(proxmox: Path, file: str) -> None:
    (proxmox / file).symlink_to("/dev/full")
    started = []
    rollback = Rollback(lambda command: (started.append(command[0]) or 0, "[]", ""), proxmox)
    with pytest.raises(InfraError) as caught:
        rollback.arm(60)
    assert f"{proxmox / file}: No space left on device. Nothing was changed" in str(caught.value)
    assert "and run again" in str(caught.value)
    assert not rollback.unconfirmed() and "systemd-run" not in started
    rollback.arm(60)
    assert rollback.unconfirmed()


def test_a_folder_that_is_not_there_is_told(proxmox: Path) -> None:
    (proxmox / "etc/systemd/system").rmdir()
    with pytest.raises(InfraError, match="etc/systemd/system.*: No such file or directory. Nothing was changed"):
        Rollback(lambda _command: (0, "[]", ""), proxmox).arm(60)


def test_a_confirmation_that_cannot_be_written_says_that_the_host_takes_its_network_back(proxmox: Path) -> None:
    rollback = Rollback(lambda _command: (0, "[]", ""), proxmox)
    rollback.arm(60)
    (proxmox / "var/lib/detectviz-infra/network-rollback/confirmed").mkdir()
    with pytest.raises(InfraError, match="confirmed: Is a directory. The change is not confirmed, so the host takes"):
        rollback.confirm([])
    assert rollback.unconfirmed()


def test_a_confirmed_network_stays_where_a_file_cannot_be_removed(proxmox: Path) -> None:
    rollback = Rollback(lambda _command: (0, "[]", ""), proxmox)
    rollback.arm(60)
    (proxmox / "etc/systemd/system" / BOOT).unlink()
    (proxmox / "etc/systemd/system" / BOOT).mkdir()
    rollback.confirm([])
    assert not rollback.unconfirmed()
