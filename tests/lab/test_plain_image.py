"""An image as the distributions publish it, without a running guest agent: the host's snippet starts it at first boot.

The tests of this file are one story, told in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.nodes import recipe
from lab.pve.schema import build as schema
from tests.lab.conftest import LAB_NAME, LabCommand
from tests.lab.test_site import IDS, MACHINES, changes, guests, play, running

SNIPPET = "var/lib/vz/snippets/detectviz.yml"


@pytest.fixture(scope="module")
def first_use(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with all that takes minutes to build, and without the API description, as before a machine's first lab."""
    folder = tmp_path_factory.mktemp("cache")
    for kept in recipe.cache_dir().iterdir():
        if kept.name != schema.cache_folder().name:
            (folder / kept.name).symlink_to(kept)
    return folder


@pytest.fixture(scope="module")
def site(machine: Path, first_use: Path) -> Iterator[LabCommand]:
    lab = LabCommand(machine, f"{LAB_NAME}-plain")
    lab.environment["DETECTVIZ_CACHE"] = str(first_use)
    lab("up", "--yes", "--plain-image", "--without-kubernetes", "--site", "inventory/detectviz")
    yield lab
    lab("down", code=None)


def asked(lab: LabCommand, name: str, command: str) -> str:
    """What a machine answers over SSH, with the host key that was read through its agent."""
    return lab(
        "exec", "--", "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
        "-o", f"UserKnownHostsFile={lab.folder / '.state/detectviz/known_hosts'}",
        "-o", "GlobalKnownHostsFile=/dev/null",
        "-i", str(lab.folder / "id_ed25519"), f"ubuntu@{MACHINES[name][0]}", command,
    )  # fmt: skip


def test_the_emulators_description_was_fetched_before_the_labs_network_cut_it_off(site: LabCommand, first_use: Path) -> None:
    kept = (first_use / schema.cache_folder().name).iterdir()
    assert {path.name.partition("-")[0] for path in kept} == set(schema.VERSIONS)


def test_check_mode_writes_no_snippet(site: LabCommand) -> None:
    assert "packages: [\"qemu-guest-agent\"]" in play(site, "site.yml", "--tags", "p1", "--check", "--diff")
    assert not (site.folder / "systems/host/rootfs" / SNIPPET).exists()


def test_the_machines_come_up_and_are_verified(site: LabCommand) -> None:
    assert changes(play(site, "site.yml", "--tags", "p1"))["proxmox-host"] > 0
    assert guests(site) == IDS and running(site) == MACHINES
    assert (site.folder / "systems/host/rootfs" / SNIPPET).read_text().startswith("#cloud-config\n")


@pytest.mark.parametrize("name", MACHINES)
def test_cloud_init_has_started_the_agent_for_good(site: LabCommand, name: str) -> None:
    agent = "qemu-guest-agent"
    said = asked(site, name, f"cloud-init status; systemctl is-enabled {agent}; systemctl is-active {agent}")
    assert said.splitlines() == ["status: done", "enabled", "active"]


def test_the_agent_did_not_start_before_cloud_init_ran_the_snippet(site: LabCommand) -> None:
    show = "systemctl show --value -p {} {}"
    said = asked(site, "master-1", "; ".join([
        show.format("ActiveEnterTimestampMonotonic", "qemu-guest-agent"),
        show.format("ExecMainStartTimestampMonotonic", "cloud-final"),
    ]))  # fmt: skip
    agent, cloud_final = (int(line) for line in said.splitlines())
    assert agent > cloud_final > 0


def test_a_second_run_changes_nothing(site: LabCommand) -> None:
    assert set(changes(play(site, "site.yml", "--tags", "p1")).values()) == {0}
