"""Playbooks by name, from the installed collection, in a folder that holds a copied starter and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from conftest import Installed


@pytest.fixture
def site(installed: Installed, tmp_path: Path) -> Path:
    """The starter with a template named, and a Proxmox host where nothing listens."""
    place = tmp_path / "site"
    shutil.copytree(installed.collection / "inventory" / "starter", place)
    data = place / "group_vars" / "all" / "site.yml"
    site = yaml.safe_load(data.read_text(encoding="utf-8"))
    site["proxmox_hosts"][0]["address"] = "127.0.0.1"
    site["guest_defaults"].update(template="9000", ssh_keys=["ssh-ed25519 AAAA you@example.com"])
    site.update(proxmox_api_port=1, proxmox_api_user="you@pve")
    data.write_text(yaml.safe_dump(site), encoding="utf-8")
    return place


@pytest.mark.parametrize("playbook", ["plan", "reset", "site"])
def test_a_playbook_takes_its_connection_from_the_sites_data(installed: Installed, site: Path, playbook: str) -> None:
    """The address of the first host, and port and user of the site; only the password is in the environment."""
    source = str(site / "site.node_table.yml")
    run = installed.run("ansible-playbook", "-i", source, f"detectviz.infra.{playbook}", check=False,
                        PROXMOX_PASSWORD="wrong", ANSIBLE_PYTHON_INTERPRETER="auto_silent")  # fmt: skip
    assert run.returncode != 0
    assert "127.0.0.1:1 cannot be reached" in " ".join(run.stdout.split() + run.stderr.split())
