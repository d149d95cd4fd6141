"""Ctrl-C while a lab comes up: one line, and a state that the next `up` and `down` know how to take."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import CHECKOUT, LabCommand
from tests.lab.test_safety import processes_of


@pytest.fixture
def cut_lab(machine: Path) -> Iterator[LabCommand]:
    """A lab of its own."""
    command = LabCommand(machine, f"cut-{os.getpid()}")
    yield command
    command("down", code=None)


def press_ctrl_c(lab: LabCommand, site_folder: Path, after: str) -> None:
    """Ctrl-C, which a terminal sends to `up` and all that it runs, at the first sign that a step has ended."""
    words = [sys.executable, "-m", "lab", "--name", lab.name, "up", "--yes", "--site", str(site_folder)]
    process = subprocess.Popen(
        words, cwd=CHECKOUT, env=lab.environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_hear_ctrl_c,
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith(f"lab: {after}"):
            os.killpg(process.pid, signal.SIGINT)
            break
    rest = process.stdout.read()
    assert process.wait() == 130, said + rest
    told = [line for line in rest.splitlines() if line]
    assert told[-1] == "lab: interrupted; `up` goes on where it was, `down` clears what is there", rest
    assert "Traceback" not in rest and len(told) <= 2, rest  # the step may have ended before it was heard


def _hear_ctrl_c() -> None:
    """As in a terminal. What a script has started in the background is deaf to it, and so is all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_up_goes_on_after_each_interrupt(cut_lab: LabCommand, site_folder: Path) -> None:
    for step in ("image", "SSH key", "sysctls", "file server", "Proxmox host", "site"):
        press_ctrl_c(cut_lab, site_folder, step)
    cut_lab("up", "--yes", "--site", str(site_folder))
    assert "has ended" not in cut_lab("status")


@pytest.mark.parametrize("step", ["SSH key", "file server", "site"])
def test_down_clears_what_an_interrupt_left(cut_lab: LabCommand, site_folder: Path, step: str) -> None:
    press_ctrl_c(cut_lab, site_folder, step)
    cut_lab("down")
    assert not cut_lab.folder.exists()
    assert processes_of(cut_lab.folder, cut_lab.namespace) == []
    assert cut_lab.namespace not in subprocess.run(["ip", "netns"], text=True, capture_output=True, check=True).stdout
