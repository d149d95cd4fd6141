"""Run the programs the lab is made of (ip, runc, mount), and say what failed and how."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandError(RuntimeError):
    """A program ended with an error; the text carries the command and its last output."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"`{shlex.join(argv)}` ended with {code}: {output.strip()[-2000:] or 'no output'}")
        self.code = code
        self.output = output


def run(
    *argv: str | Path,
    check: bool = True,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> str:
    """Run one program to its end and return its output (stdout and stderr together)."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            check=False,
            text=True,
            errors="replace",
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            timeout=timeout,
        )
    except FileNotFoundError as error:
        raise CommandError(words, 127, f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(words, 124, f"no end after {timeout:.0f} s") from error
    if check and done.returncode != 0:
        raise CommandError(words, done.returncode, done.stdout)
    return done.stdout


def start_time(pid: int) -> int | None:
    """When a process began, in clock ticks after boot: with its id it names a process for good, as ids come again.

    None when there is no such process, or only its zombie.
    """
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if words[0] == "Z" else int(words[19])
