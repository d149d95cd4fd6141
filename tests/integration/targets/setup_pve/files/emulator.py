"""Starts and stops the Proxmox VE emulator for integration targets: ``emulator.py start|stop FOLDER``.

The emulator is part of the checkout, not of the published collection; it is looked for above this file.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time

START_SECONDS = 90  # a first start on a fresh machine fetches the official description of the API


def checkout() -> pathlib.Path:
    """The folder above this file that has the emulator."""
    for folder in pathlib.Path(__file__).resolve().parents:
        if (folder / "lab" / "pve").is_dir():
            return folder
    raise SystemExit("lab/pve is not above this file: these targets need a checkout of the project")


def start(folder: pathlib.Path) -> None:
    """Runs the emulator on its folder and waits until it has written how to reach it."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "lab", "pve", "--port", "0", "--state", str(folder), "--with-template"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--time-scale", "0.05"],
            cwd=checkout(),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    (folder / "pid").write_text(str(process.pid), encoding="ascii")
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "connection.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the emulator did not start:\n{(folder / 'log').read_text(encoding='utf-8')[-2000:]}")
        time.sleep(0.1)


def stop(folder: pathlib.Path) -> None:
    """Ends the emulator that ``start`` has made."""
    pid = folder / "pid"
    os.kill(int(pid.read_text(encoding="ascii")), signal.SIGTERM)
    pid.unlink()
    (folder / "connection.json").unlink(missing_ok=True)


if __name__ == "__main__":
    (start if sys.argv[1] == "start" else stop)(pathlib.Path(sys.argv[2]))
