"""The option --real, tried on an emulator that plays the real host: no true one was ever asked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from lab.pve.process import ROOT, Emulator


def qualify(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`pytest tests/contract --real` in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:pytest-ansible", "-p", "no:cacheprovider",
               "tests/contract", "--real"]
    base = {key: value for key, value in os.environ.items() if not key.startswith(("PROXMOX_", "PYTEST_"))}
    return subprocess.run(command, cwd=ROOT, env={**base, **environment}, capture_output=True, text=True, timeout=120,
                          check=False)


def ours(pve: Emulator) -> dict[str, set]:
    """What a run could leave behind."""
    return {kind: {str(entry) for entry in pve.call("GET", path).json()["data"]}
            for kind, path in (("guests", "/nodes/pve/qemu"), ("pools", "/pools"), ("users", "/access/users"),
                               ("storages", "/storage"), ("permissions", "/access/acl"))}


def test_a_host_that_agrees(make_pve, tmp_path: Path):
    pve = make_pve(with_template=True)
    before = ours(pve)
    done = qualify(pve.environment)
    assert done.returncode == 0, done.stdout
    report = done.stdout.partition("qualification report")[2]
    told = re.findall(r"^as emulated +(\w+)$", report, re.M)
    passed = re.search(r"^(\d+) passed", done.stdout, re.M)
    assert passed and len(told) == int(passed[1]) >= 20
    assert "DIFFERS" not in report
    assert ours(pve) == before
    asked = pve.requests()["by"]
    assert not [key for key in asked if "/status/start" in key or "/storage" in key and not key.startswith("GET")]


def test_a_host_that_differs_is_told_what_differs(make_pve):
    pve = make_pve()
    pve.fault("status", method="PUT", path="/nodes/{node}/qemu/{vmid}/config", status=500, text="not as we think")
    done = qualify(pve.environment)
    assert done.returncode == 1
    report = done.stdout.partition("qualification report")[2]
    differs = set(re.findall(r"^DIFFERS +(\w+)", report, re.M))
    assert "test_a_changed_config_has_another_digest_and_an_old_one_is_refused" in differs
    assert "not as we think" in report
    assert "test_release_is_one_that_we_know" not in differs
    assert pve.call("GET", "/nodes/pve/qemu").json()["data"] == []


def test_without_a_token_it_says_what_it_needs():
    done = qualify({"PROXMOX_HOST": "192.0.2.1"})
    assert done.returncode == 2
    assert "--real needs PROXMOX_USER, PROXMOX_TOKEN_ID, PROXMOX_TOKEN_SECRET" in done.stdout + done.stderr
