"""Waiting for what another client can see, instead of for a time: what a request sets off comes after the request."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from lab.pve.process import Emulator

LIMIT = 120.0  # seconds: only reached when what is awaited never comes


def until(seen: Callable[[], object], what: str, process: subprocess.Popen[str] | None = None) -> None:
    """Returns once `seen` is true. The process that is to bring it about must not end before."""
    deadline = time.monotonic() + LIMIT
    while not seen():
        ended = process is not None and process.poll() is not None
        assert not ended, f"the run ended before {what}: {process.communicate() if process else ''}"
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.02)


def until_requested(pve: Emulator, call: str, process: subprocess.Popen[str]) -> None:
    """The emulator has received such a request since the counters were reset; its work may not have begun."""
    until(lambda: call in pve.requests()["by"], call, process)


def until_held(pve: Emulator, process: subprocess.Popen[str], tasks: int = 1) -> None:
    """So many tasks have begun, and wait for the fault `task_hold` to be removed."""
    until(lambda: pve.fired("task_hold") >= tasks, f"{tasks} held tasks", process)


def until_idle(pve: Emulator) -> None:
    """No task runs on the node."""
    until(lambda: not pve.call("GET", "/nodes/pve/tasks", source="active").json()["data"], "the end of all tasks")
