"""The documented site on real guests: one command, again without a change, and back after the machine's restart."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.conftest import LAB_NAME, LabCommand

MACHINES = {
    "master-1": ["192.168.0.11", "10.0.0.11"],
    "master-2": ["192.168.0.12", "10.0.0.12"],
    "master-3": ["192.168.0.13", "10.0.0.13"],
    "app-worker": ["192.168.0.14", "10.0.0.14"],
}


@pytest.fixture(scope="module")
def site_lab(machine: Path) -> Iterator[LabCommand]:
    lab = LabCommand(machine, f"{LAB_NAME}-site")
    lab("up", "--yes")
    yield lab
    lab("down", code=None)


def play(lab: LabCommand) -> dict[str, int]:
    """Run the whole site; changes per host."""
    said = lab("exec", "--", "ansible-playbook", "site.yml")
    recap = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0 ", said, re.M)
    assert {host for host, _ in recap} >= {*MACHINES, "localhost"}, said
    return {host: int(changed) for host, changed in recap}


def running(lab: LabCommand) -> dict[str, list[str]]:
    systems = json.loads(lab("status", "--json"))["systems"]
    return {system["name"]: system["addresses"] for system in systems if system["id"] != "host"}


def test_the_table_becomes_machines_and_a_second_run_changes_nothing(site_lab: LabCommand) -> None:
    assert play(site_lab)["localhost"] > 0
    assert running(site_lab) == MACHINES
    assert set(play(site_lab).values()) == {0}


def test_every_machine_has_every_name(site_lab: LabCommand) -> None:
    known_hosts = site_lab.folder / ".state/detectviz/known_hosts"
    for name, (address, _) in MACHINES.items():
        other = "app-worker" if name == "master-1" else "master-1"  # its own name each has in /etc/hosts
        answer = site_lab(
            "exec", "--", "ssh", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known_hosts}",
            "-o", "StrictHostKeyChecking=yes", "-i", str(site_lab.folder / "id_ed25519"), f"ubuntu@{address}",
            f"hostname; getent hosts {other}.detectviz.internal {other}.cluster.internal k8s-api.detectviz.internal",
        )  # fmt: skip
        assert answer.split()[0] == name
        for found in (*MACHINES[other], "192.168.0.10"):
            assert found in answer.split(), answer


@pytest.mark.long
def test_after_the_machine_has_restarted_one_up_and_one_run_bring_all_back(site_lab: LabCommand) -> None:
    _restart(site_lab)
    site_lab("up", "--yes")
    play(site_lab)
    assert running(site_lab) == MACHINES
    assert set(play(site_lab).values()) == {0}


def _restart(lab: LabCommand) -> None:
    """What a restart leaves of a lab: its files."""
    processes = json.loads((lab.folder / "lab.json").read_text())["processes"].values()
    inits = [json.loads(path.read_text()) for path in (lab.folder / "systems/runc").glob("*/state.json")]
    for pid in [process["pid"] for process in processes] + [state["init_process_pid"] for state in inits]:
        os.kill(pid, 9)
    for namespace in (lab.namespace, f"{lab.namespace}-router"):
        subprocess.run(["ip", "netns", "delete", namespace], check=True)
