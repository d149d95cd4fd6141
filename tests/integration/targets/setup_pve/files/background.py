"""Runs a program beside a playbook, and ends it with the playbook, however that ends.

    background.py start FOLDER READY COMMAND...    comes back when the program has made the file FOLDER/READY
    background.py stop FOLDER

A failed task of the target, a failed clean-up and a killed ansible-playbook leave nothing behind.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time

READY_SECONDS = 180
PERIOD = 0.5  # seconds between two looks at the playbook


def _field(pid: int, name: str) -> str:
    """A line of the process's status, empty when it has ended."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:")), "")


def _started(pid: int) -> str:
    """When the process began: with the id, what tells it from a later one of the same id. Empty when it has ended."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if stat[0] == "Z" else stat[19]


def playbook() -> int:
    """The topmost ansible-playbook above this process; without one its parent."""
    found, pid = os.getppid(), os.getppid()
    while pid > 1:
        try:
            if b"ansible-playbook" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                found = pid
        except OSError:
            break
        pid = int(_field(pid, "PPid") or 0)
    return found


def watch(folder: pathlib.Path, owner: int, command: list[str]) -> None:
    """Runs the command until it ends, or its owner does."""
    began = _started(owner)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    (folder / "pid").write_text(str(process.pid), encoding="ascii")
    while process.poll() is None and began and _started(owner) == began:
        time.sleep(PERIOD)
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()


def start(folder: pathlib.Path, ready: str, command: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    watcher = subprocess.Popen(
        [sys.executable, __file__, "watch", str(folder), str(playbook()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + READY_SECONDS
    while not (folder / ready).exists():
        if watcher.poll() is not None or time.monotonic() > deadline:
            watcher.terminate()
            log = folder / "log"
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else ""
            raise SystemExit(f"{' '.join(command)} did not start:\n{said}")
        time.sleep(0.1)


def stop(folder: pathlib.Path) -> None:
    """Asks the program to end. One that has ended already is no error."""
    file = folder / "pid"
    try:
        os.kill(int(file.read_text(encoding="ascii")), signal.SIGTERM)
    except ProcessLookupError:
        pass
    file.unlink()


def main(words: list[str]) -> None:
    action, folder = words[0], pathlib.Path(words[1])
    if action == "start":
        start(folder, words[2], words[3:])
    elif action == "watch":
        watch(folder, int(words[2]), words[3:])
    else:
        stop(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
