"""Becomes the Proxmox VE emulator, on a folder of its own: ``emulator.py FOLDER``.

The emulator is part of the checkout, not of the published collection; it is looked for above this file.
"""

from __future__ import annotations

import os
import pathlib
import sys


def checkout() -> pathlib.Path:
    """The folder above this file that has the emulator."""
    for folder in pathlib.Path(__file__).resolve().parents:
        if (folder / "lab" / "pve").is_dir():
            return folder
    raise SystemExit("lab/pve is not above this file: these targets need a checkout of the project")


if __name__ == "__main__":
    state = os.path.abspath(sys.argv[1])
    os.chdir(checkout())
    command = [sys.executable, "-m", "lab", "pve", "--port", "0", "--state", state]
    os.execv(sys.executable, [*command, "--with-template", "--time-scale", "0.05"])
