"""Runs Ansible as a user would, with the collections of the `ansible` package and nothing of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.pve.client import Client

PLAYBOOKS = Path(__file__).parent / "foreign"


@dataclass
class Run:
    """A finished playbook: `results` has the outcome of each task of localhost, by the task's name."""

    code: int
    results: dict[str, dict[str, Any]]
    output: str

    def changed(self, task: str) -> bool:
        return bool(self.results[task].get("changed"))

    @property
    def failures(self) -> dict[str, Any]:
        """{task: message} of what failed; {"": output} when there are no results at all."""
        if not self.results:
            return {"": self.output}
        return {task: result.get("msg") for task, result in self.results.items() if result.get("failed")}


def environment(pve: Client, folder: Path) -> dict[str, str]:
    """Neutral settings; the certificate is verified, with the host's own authority, if one is named, as the only one."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    settings = folder / "ansible.cfg"
    settings.write_text("[defaults]\n", encoding="utf-8")  # neither the user's nor the checkout's settings
    if pve.connection["ca_path"]:
        kept["REQUESTS_CA_BUNDLE"] = pve.connection["ca_path"]
    return {**kept, **pve.environment, "PROXMOX_VALIDATE_CERTS": "true", "PROXMOX_URL": pve.url,
            "ANSIBLE_CONFIG": str(settings),
            "ANSIBLE_LOCAL_TEMP": str(folder / "local"), "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
            "ANSIBLE_HOME": str(folder / "home"), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_DEPRECATION_WARNINGS": "false", "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}


def _command(name: str, *arguments: str) -> list[str]:
    """The program of the same Python environment as this one."""
    return [str(Path(sys.executable).parent / name), *arguments]


def play(pve: Client, folder: Path, playbook: str, **variables: Any) -> Run:
    """Run tests/contract/foreign/<playbook>. Its outcome is the caller's to judge."""
    command = _command("ansible-playbook", "-i", "localhost,", "-c", "local", str(PLAYBOOKS / playbook),
                       "-e", json.dumps(variables))
    done = subprocess.run(command, env=environment(pve, folder), cwd=folder, capture_output=True, text=True,
                          timeout=300, check=False)
    start = done.stdout.find("{")
    if start < 0:
        return Run(done.returncode, {}, done.stdout + done.stderr)
    report = json.loads(done.stdout[start:])
    results = {task["task"]["name"]: task["hosts"]["localhost"] for one in report["plays"] for task in one["tasks"]
               if "localhost" in task["hosts"]}
    return Run(done.returncode, results, done.stdout + done.stderr)


def inventory(pve: Client, folder: Path, source: str) -> dict[str, Any]:
    """`ansible-inventory --list` of tests/contract/foreign/<source>."""
    command = _command("ansible-inventory", "-i", str(PLAYBOOKS / source), "--list")
    done = subprocess.run(command, env=environment(pve, folder), cwd=folder, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout, object_hook=lambda value: value.get("__ansible_unsafe", value))
