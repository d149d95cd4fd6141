"""A real lab for the tests: its own name and state folder, gone afterwards, whatever happened."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab.nodes import recipe, requirements

CHECKOUT = Path(__file__).resolve().parents[2]
LAB_NAME = f"test-{os.getpid()}"
SITE = {
    "site_name": "small",
    "proxmox_hosts": [
        {"name": "proxmox", "address": "192.168.0.2", "addresses": {"vmbr1": "10.0.0.2"}, "cpu": 8,
         "memory_mb": 32768, "storages": [{"name": "nvme-vm", "type": "lvmthin"}, {"name": "local"}]},
    ],
    "networks": {
        "vmbr0": {"cidr": "192.168.0.0/24", "gateway": "192.168.0.1", "mtu": 9000},
        "vmbr1": {"cidr": "10.0.0.0/24", "mtu": 9000},
    },
    "templates": [
        {"name": "debian-12-template", "vm_id": 9000, "storage": "nvme-vm",
         "image": {"url": "https://example.org/debian-12.qcow2", "checksum": "sha256:0"}},
    ],
    "dns": {"servers": ["192.168.0.2"], "search": ["detectviz.internal"]},
}  # fmt: skip


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the lab's state on a machine that can run a lab; else the tests are skipped and say why."""
    folder = tmp_path_factory.mktemp("state")
    try:
        requirements.require(recipe.cache_dir(), folder)
    except requirements.MachineUnfit as lacking:
        pytest.skip(str(lacking))
    return folder


class LabCommand:
    """`python -m lab` as a user types it, with a state folder of its own."""

    def __init__(self, state: Path, name: str = LAB_NAME, seconds: float = 900) -> None:
        """`seconds`: how long one command may take."""
        self.name = name
        self.seconds = seconds
        self.folder = state / "detectviz-infra/lab" / name
        self.namespace = f"dvz-{name}"
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "XDG_STATE_HOME": str(state), "PATH": programs, "DETECTVIZ_LAB": name}

    def __call__(self, *words: str, code: int | None = 0) -> str:
        return self.run(sys.executable, "-m", "lab", "--name", self.name, *words, code=code)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """The command in a process group of its own; nobody reads what it prints."""
        return subprocess.Popen(
            [sys.executable, "-m", "lab", "--name", self.name, *words], cwd=CHECKOUT, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def run(self, *words: str, code: int | None = 0) -> str:
        """A command of the checkout with this lab's name in its environment; what it printed."""
        done = subprocess.run(
            words, cwd=CHECKOUT, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, check=False, timeout=self.seconds,
        )  # fmt: skip
        if code is not None:
            assert done.returncode == code, done.stdout
        return done.stdout


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "group_vars/all").mkdir(parents=True)
    (folder / "group_vars/all/site.yml").write_text(yaml.safe_dump(SITE))
    return folder


@pytest.fixture(scope="session")
def lab_command(machine: Path) -> Iterator[LabCommand]:
    """The command, and its `down` when all tests are over."""
    command = LabCommand(machine)
    yield command
    command("down", code=None)


@pytest.fixture(scope="session")
def running_lab(lab_command: LabCommand, site_folder: Path) -> LabCommand:
    lab_command("up", "--yes", "--site", str(site_folder))
    return lab_command
