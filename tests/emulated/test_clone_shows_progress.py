"""The action plugin of proxmox_vm_clone: a user sees one line per guest and step while it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lab.pve.process import ROOT
from tests.emulated.clone_runs import Site, row

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - detectviz.infra.proxmox_vm_clone: "{{ arguments }}"
"""


def test_each_step_is_shown_and_nothing_is_left(site: Site, first_id: int, tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    private = site.arguments([row(first_id), row(first_id + 1)], check=False, options={"wait": "agent"})
    arguments = {key: value for key, value in private.items() if not key.startswith("_")}
    (tmp_path / "vars.json").write_text(json.dumps({"arguments": arguments}), encoding="utf-8")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", "play.yml"]
        + ["-e", "@vars.json"],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for number in (0, 1):
        name = f"guest-{first_id + number}"
        for step in ("clone template 9000 (linked) on pve", "grow scsi0 to 20 GiB", "start", "wait for agent"):
            assert f"  {name}: {step}: done" in done.stdout
    assert str(arguments["api_token_secret"]) not in done.stdout + done.stderr
    assert list(tmp_path.rglob("dvz-progress-*")) == []
