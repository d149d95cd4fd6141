"""Where packages come from when a site names no mirror: upstream's own repositories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import ROOT, Installed

# What the node's own state tells, here of two systems.
SYSTEMS = {"debian": {"id": "debian", "codename": "bookworm"}, "ubuntu": {"id": "ubuntu", "codename": "noble"}}
PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    kubernetes_version: "1.36"
    __containerd_read: {state: {os: %(os)s}}
    containerd_source: %(source)s
  vars_files: [%(roles)s/containerd/vars/main.yml]
  tasks:
    - ansible.builtin.copy:
        content: "{{ __containerd_repository | to_json }}"
        dest: %(found)s
        mode: "0600"
"""


def repository(installed: Installed, folder: Path, system: str, source: dict[str, str]) -> dict[str, object]:
    found, play = folder / "found.json", folder / "play.yml"
    play.write_text(
        PLAY % {"os": json.dumps(SYSTEMS[system]), "source": json.dumps(source), "roles": ROOT / "roles", "found": found}
    )
    installed.run("ansible-playbook", str(play))
    return dict(json.loads(found.read_text()))


@pytest.mark.parametrize("system", SYSTEMS)
def test_containerd_comes_from_docker(installed: Installed, tmp_path: Path, system: str) -> None:
    found = repository(installed, tmp_path, system, {})
    assert found["url"] == f"https://download.docker.com/linux/{system}"
    assert (found["suite"], found["components"]) == (SYSTEMS[system]["codename"], ["stable"])


def test_a_flat_mirror_has_no_components(installed: Installed, tmp_path: Path) -> None:
    found = repository(installed, tmp_path, "debian", {"url": "http://mirror.example/c", "suite": "/", "components": ""})
    assert (found["url"], found["suite"], found["components"]) == ("http://mirror.example/c", "/", [])
