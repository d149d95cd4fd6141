"""Go's caches: shared by everything the lab compiles, and dropped when they have grown too large.

What has been compiled is kept elsewhere, so the caches only make a next compilation quicker. Two minor versions of
Kubernetes with CoreDNS and containerd fill about 15 GB.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from lab.artifacts.store import Say
from lab.artifacts.toolchain import Toolchain
from lab.nodes.commands import run

LIMIT_VARIABLE = "DETECTVIZ_GO_CACHE_GB"
DEFAULT_LIMIT_GB = 30.0


@contextmanager
def in_use(caches: Path) -> Iterator[None]:
    """Hold while compiling: nobody drops the caches meanwhile."""
    with _lock(caches) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def drop_when_large(toolchain: Toolchain, say: Say) -> None:
    """Drop both caches when together they are larger than the limit (DETECTVIZ_GO_CACHE_GB, default 30), unless
    somebody is compiling."""
    limit = float(os.environ.get(LIMIT_VARIABLE, DEFAULT_LIMIT_GB))
    held = size_gb(toolchain.caches / "build") + size_gb(toolchain.caches / "mod")
    if held <= limit:
        return
    with _lock(toolchain.caches) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        run(toolchain.go, "clean", "-cache", "-modcache", env=toolchain.environment(), timeout=600)
    say(f"Go's caches in {toolchain.caches} had {held:.0f} GB, more than {limit:.0f}: dropped")


def size_gb(folder: Path) -> float:
    """Disk space of a folder's files in GB (10^9 bytes)."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            total += os.lstat(os.path.join(place, name)).st_blocks * 512
    return total / 1e9


def _lock(caches: Path) -> TextIO:
    caches.mkdir(parents=True, exist_ok=True)
    return (caches / "lock").open("w")
