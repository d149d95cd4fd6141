# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of the collection in a play of their own, on hosts that are this machine but for some programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def program(folder: Path, host: str, name: str, script: str) -> None:
    """A shell script that the host finds before the machine's own program of that name."""
    path = folder / "programs" / host / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    path.chmod(0o755)


def play(
    folder: Path, tasks: Sequence[Mapping[str, Any]], hosts: Mapping[str, Mapping[str, Any]], *arguments: str, **groups: Sequence[str]
) -> tuple[int, str]:
    """Exit code and output, whose blanks and line ends are one blank each. ``hosts``: their variables by name."""
    path = f"{folder}/programs/{{{{ inventory_hostname }}}}:{os.environ['PATH']}"
    whole = {"name": "Play", "hosts": "all", "connection": "local", "gather_facts": False, "environment": {"PATH": path}}
    (folder / "play.yml").write_text(yaml.safe_dump([{**whole, "tasks": list(tasks)}]), encoding="utf-8")
    known = {name: {"ansible_python_interpreter": sys.executable, **variables} for name, variables in hosts.items()}
    children = {group: {"hosts": dict.fromkeys(names)} for group, names in groups.items()}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": known, "children": children}}), encoding="utf-8")
    return run(folder, folder / "hosts.yml", folder / "play.yml", *arguments)


def run(folder: Path, inventory: Path, playbook: Path, *arguments: str) -> tuple[int, str]:
    """As :func:`play`, of a whole playbook. Nothing of it leaves the machine: SSH ends before it begins."""
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), str(playbook), *arguments]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_SSH_EXTRA_ARGS": "-o ProxyCommand=false"}
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)  # fmt: skip
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def starter(folder: Path) -> Path:
    """The inventory of a copy of the starter site."""
    shutil.copytree(ROOT / "inventory/starter", folder / "site")
    return folder / "site/site.node_table.yml"


def tasks_of(path: str) -> Any:
    """What a YAML file of the collection holds."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
