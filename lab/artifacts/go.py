"""Compile Go programs: one package of a module in a folder, to one static binary."""

from __future__ import annotations

import subprocess
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from lab.artifacts import go_caches
from lab.artifacts.store import Say
from lab.artifacts.toolchain import Toolchain
from lab.nodes.commands import CommandError

PROGRESS_SECONDS = 15


def build(
    toolchain: Toolchain,
    module_dir: Path,
    package: str,
    output: Path,
    *,
    say: Say,
    stamps: Sequence[str] = (),
    tags: Sequence[str] = (),
    resolve: bool = False,
) -> None:
    """Compile `package` of the module in `module_dir` to the static binary `output`.

    `stamps`: `importpath.Variable=value` of strings set by the linker; `tags`: build tags; `resolve`: let Go complete
    go.mod and go.sum, checked by its checksum database (a committed module has both complete already).
    Raises CommandError with the end of the compiler's output.
    """
    linker = " ".join(("-s", "-w", *(f"-X {stamp}" for stamp in stamps)))
    mode = "mod" if resolve else "readonly"
    words = [str(toolchain.go), "build", "-v", f"-mod={mode}", "-trimpath", "-ldflags", linker,
             "-tags", ",".join(tags), "-o", str(output), package]  # fmt: skip
    with go_caches.in_use(toolchain.caches):
        _followed(words, module_dir, toolchain.environment(), say, output.name)


def _followed(words: list[str], folder: Path, environment: dict[str, str], say: Say, name: str) -> None:
    """Run the compiler and tell now and then how far it is: `-v` prints a line per compiled package."""
    tail: deque[str] = deque(maxlen=30)
    began = told = time.monotonic()
    packages = 0
    with subprocess.Popen(
        words, cwd=folder, env=environment, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as compiler:  # fmt: skip
        for line in compiler.stdout or ():
            tail.append(line)
            packages += not line.startswith("go: ")
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                say(f"  {name}: {packages} packages compiled, {told - began:.0f} s")
    if compiler.returncode != 0:
        raise CommandError(words[:2] + words[-1:], compiler.returncode, "".join(tail))
