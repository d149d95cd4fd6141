"""Loop devices: they make a guest's data disk, which is a file, a block device that the guest may use."""

from __future__ import annotations

import re
from pathlib import Path

from lab.nodes import safety
from lab.nodes.commands import CommandError, run

BLOCK_DEVICES = Path("/sys/block")
NAME = re.compile(r"loop(\d+)")


def attach(file: Path) -> int:
    """Make a loop device of a file; returns its number.

    Raises CommandError when the machine has none, or only one whose number the guests' device rules do not reach.
    """
    path = run("losetup", "--find", "--show", file).strip()
    number = NAME.search(path)
    if number is None or int(number.group(1)) >= safety.HIGHEST_LOOP:
        run("losetup", "--detach", path, check=False)
        raise CommandError(["losetup", "--find"], 1, f"{path} is not below loop{safety.HIGHEST_LOOP}")
    return int(number.group(1))


def detach_below(folder: Path) -> None:
    """Remove the loop devices of the files below a folder; fine with none."""
    for name in _of(folder):
        run("losetup", "--detach", f"/dev/{name}", check=False)


def _of(folder: Path) -> list[str]:
    found = []
    for backing in BLOCK_DEVICES.glob("loop*/loop/backing_file"):
        try:
            file = backing.read_text().strip()
        except OSError:
            continue  # detached meanwhile
        if file.startswith(f"{folder.resolve()}/"):
            found.append(backing.parts[-3])
    return found
