"""Where the tests find a real kube-apiserver and etcd: a folder that is named, else what the lab has made."""

from __future__ import annotations

import os
from pathlib import Path

from lab.nodes.recipe import cache_dir

VARIABLE = "DETECTVIZ_KUBERNETES_BINARIES"
NEEDED = ("etcd", "kube-apiserver")


class NoBinaries(RuntimeError):
    """A program is missing; the text says how to get it."""


def find() -> dict[str, Path]:
    """{name: path} of NEEDED. Raises NoBinaries."""
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else cache_dir() / "artifacts"
    found = {name: program for name in NEEDED if (program := _newest(folder, name))}
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise NoBinaries(
            f"{' and '.join(missing)} not found in {folder}: run python -m lab artifacts, "
            f"or name a folder that holds them in {VARIABLE}"
        )
    return found


def _newest(folder: Path, name: str) -> Path | None:
    programs = [path for path in folder.rglob(name) if path.is_file() and os.access(path, os.X_OK)]
    return max(programs, key=lambda path: path.stat().st_mtime, default=None)
