"""Playbooks run as a user runs them, with the requests that they cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.pve.process import ROOT, Emulator

PLAYBOOKS = Path(__file__).parent / "playbooks"
TIMEOUT = 3600.0


@dataclass(frozen=True)
class Cost:
    """What one run took. `changed` counts the guests, or loop items, that it reported as changed."""

    seconds: float
    requests: int
    polls: int
    failed_probes: int
    changed: int

    @property
    def work(self) -> int:
        """Requests that are neither polls of tasks nor probes of an agent that is not up yet."""
        return self.requests - self.polls - self.failed_probes


def environment(folder: Path, pve: Emulator | None = None) -> dict[str, str]:
    """Neither the user's settings nor the checkout's: the collection beside those of the `ansible` package."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    settings = folder / "ansible.cfg"
    settings.write_text("[defaults]\n", encoding="utf-8")
    connection = {**pve.environment, "REQUESTS_CA_BUNDLE": pve.connection["ca_path"]} if pve else {}
    return {
        **kept,
        **connection,
        "PROXMOX_VALIDATE_CERTS": "true",
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }


def program(name: str) -> str:
    """A program of the Python environment that this runs in."""
    return str(Path(sys.executable).parent / name)


def play(pve: Emulator, folder: Path, playbook: str, variables: dict[str, Any]) -> Cost:
    """Runs tests/bench/playbooks/<playbook>. RuntimeError has its output when it fails."""
    given = folder / "variables.json"
    given.write_text(json.dumps(variables), encoding="utf-8")
    command = [program("ansible-playbook"), "-i", "localhost,", "-c", "local", "-e", f"@{given}"]
    command.append(str(PLAYBOOKS / playbook))
    settings = environment(folder, pve)
    pve.requests(reset=True)
    began = time.monotonic()
    done = subprocess.run(
        command, env=settings, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise RuntimeError(f"{playbook} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    counted = pve.requests()
    results = _results(json.loads(done.stdout[done.stdout.index("{") :]))
    return Cost(
        seconds,
        counted["total"],
        sum(number for call, number in counted["by"].items() if "/tasks" in call),
        max(0, counted["by"].get("GET /nodes/{node}/qemu/{vmid}/agent/file-read", 0) - _started(results)),
        sum(_changed(result) for result in results),
    )


def _results(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [task["hosts"]["localhost"] for one in report["plays"] for task in one["tasks"]]


def _changed(result: dict[str, Any]) -> int:
    """Changed items of a loop, or changed guests of a set."""
    parts = result.get("results") or result.get("guests") or [result]
    return sum(bool(part.get("changed")) for part in parts)


def _started(results: list[dict[str, Any]]) -> int:
    """Guests whose host key was read through the agent: each took one call that succeeded."""
    return sum(bool(guest.get("host_keys")) for result in results for guest in result.get("guests") or [])
