"""A new user's way with the installed collection: validate, then a check run of the site on an emulated Proxmox."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Installed

sys.path.insert(0, str(ROOT))

from lab.pve.process import Emulator

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1xAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA you@example.com"


@pytest.fixture(scope="module")
def pve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator.start(tmp_path_factory.mktemp("pve"), with_template=True) as emulator:
        yield emulator


@pytest.fixture
def site(installed: Installed, tmp_path: Path) -> Path:
    """The starter of the installed collection, copied as it is."""
    return shutil.copytree(installed.collection / "inventory/starter", tmp_path / "site")


def change(file: Path, **words: str) -> None:
    """Edits a file as a user does; every word has to be there."""
    text = file.read_text(encoding="utf-8")
    for old, new in words.items():
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def fill_in(site: Path) -> None:
    """Template, key, and addresses of a network for documentation, which nobody near has."""
    words = {'template: ""': "template: ubuntu-2204-template", "ssh_keys: []": f"ssh_keys: [{KEY}]"}
    change(site / "group_vars/all/site.yml", **{"192.168.1.": "203.0.113."}, **words)
    change(site / "tables/machines.yml", **{"192.168.1.": "203.0.113."})


def break_table(site: Path) -> None:
    words = {"vm_id: 202": "vm_id: 201", "8 GB": "8 GX", "node_role: worker": "node_role: worke"}
    change(site / "tables/machines.yml", **words)


def play(installed: Installed, site: Path, name: str, *more: str, **extra: str) -> subprocess.CompletedProcess[str]:
    source = str(site / "site.node_table.yml")
    return installed.run("ansible-playbook", "-i", source, f"detectviz.infra.{name}", *more, check=False,
                         ANSIBLE_PYTHON_INTERPRETER="auto_silent", **extra)  # fmt: skip


def said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stdout.split() + done.stderr.split())


def test_validate_says_what_an_untouched_starter_lacks(installed: Installed, site: Path) -> None:
    done = play(installed, site, "validate")
    assert done.returncode == 0, said(done)
    assert "template" in said(done) and "ssh_keys" in said(done)


def test_a_filled_in_starter_passes_and_a_check_run_of_the_site_changes_nothing(
    installed: Installed, site: Path, pve: Emulator
) -> None:
    fill_in(site)
    done = play(installed, site, "validate")
    assert done.returncode == 0 and "PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET in the environment" in said(done)
    done = play(installed, site, "validate", **pve.environment)
    assert done.returncode == 0 and "missing: nothing" in said(done).replace('"', ""), said(done)
    before: list[dict[str, Any]] = pve.api().cluster.resources.get(type="vm")
    pve.requests(reset=True)
    # Nothing of this leaves the machine: SSH to the addresses ends before it begins.
    done = play(installed, site, "site", "--check", "--diff", ANSIBLE_SSH_EXTRA_ARGS="-o ProxyCommand=false",
                **pve.environment)  # fmt: skip
    assert done.returncode == 0 and "failed=0" in done.stdout and "unreachable=0" in done.stdout, said(done)
    for line in ("+node-1 (201) on pve:", "+node-2 (202) on pve:"):
        assert line in done.stdout
    assert "planned, not inspected" in said(done)
    assert [call for call in pve.requests()["by"] if not call.startswith("GET")] == []
    assert {row["vmid"] for row in pve.api().cluster.resources.get(type="vm")} == {row["vmid"] for row in before}
    assert not list(site.parent.glob(".state/*/*")), "a check run leaves nothing here"


def test_an_ssh_key_file_that_is_not_there_is_missing_and_a_path_is_an_error(installed: Installed, site: Path) -> None:
    fill_in(site)
    lookup = """"{{ lookup('ansible.builtin.file', '/nowhere/id.pub') }}\""""
    change(site / "group_vars/all/site.yml", **{KEY: lookup})
    done = play(installed, site, "validate")
    assert done.returncode == 0, said(done)
    assert "group_vars/all/site.yml, guest_defaults.ssh_keys[0]: cannot be read" in said(done).replace("''", "'")
    assert "/nowhere/id.pub" in said(done) and "PROXMOX_FINGERPRINT in the environment" in said(done)
    change(site / "group_vars/all/site.yml", **{lookup: "~/.ssh/id.pub"})
    done = play(installed, site, "validate")
    assert done.returncode != 0
    assert "guest_defaults.ssh_keys[0]: ~/.ssh/id.pub is not a public SSH key" in said(done), said(done)


def test_in_the_site_s_folder_a_broken_table_is_told_by_the_node_table_alone(installed: Installed, site: Path) -> None:
    break_table(site)
    done = play(installed, site, "validate", ANSIBLE_CONFIG=str(site / "ansible.cfg"))
    assert done.returncode != 0 and "8 GX" in said(done)
    for noise in ("'yaml' plugin", "'ini' plugin", "with yaml plugin", "with ini plugin", "PLAY ["):
        assert noise not in said(done)


@pytest.mark.parametrize("playbook", ["validate", "site"])
def test_a_broken_table_ends_with_every_error_and_asks_nothing_of_proxmox(
    installed: Installed, site: Path, pve: Emulator, playbook: str
) -> None:
    fill_in(site)
    break_table(site)
    pve.requests(reset=True)
    done = play(installed, site, playbook, **pve.environment)
    assert done.returncode != 0
    for problem in ("vm_id: 201", "8 GX", "worke is not a role"):
        assert problem in said(done).replace('"', "").replace("'", ""), said(done)
    assert pve.requests()["total"] == 0
