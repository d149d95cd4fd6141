"""Programs of the lab that run beside the systems (emulator, file server): start them, know them, end them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.nodes.commands import start_time

END_SECONDS = 10


@dataclass(frozen=True)
class Process:
    """A process by its id and start time, as ids come round again."""

    pid: int
    started: int

    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    def end(self) -> None:
        """Ask it to end, and make it after a while. Fine when it has ended."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if not self.alive():
                return
            try:
                descriptor = os.pidfd_open(self.pid)
            except ProcessLookupError:
                return
            try:
                signal.pidfd_send_signal(descriptor, sign)
                if select.select([descriptor], [], [], END_SECONDS)[0]:
                    return
            finally:
                os.close(descriptor)


@contextmanager
def not_interrupted() -> Iterator[None]:
    """Ctrl-C takes effect when the block has ended."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def start(argv: Sequence[str], log: Path, folder: Path) -> Process:
    """Start a program that outlives this one, in `folder`; what it prints goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd=folder
        )
    return Process(child.pid, start_time(child.pid) or 0)
