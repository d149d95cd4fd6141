"""Things that are made once and kept: each in a folder of its own, named for what it was made from."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

Say = Callable[[str], None]
KEY_DIGITS = 12


def key_of(recipe: object) -> str:
    """Twelve hex digits that change when the recipe (plain data) changes."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:KEY_DIGITS]


def content_key(folder: Path) -> str:
    """The same for a folder's files: their names and content."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return key_of([[str(path.relative_to(folder)), file_sha256(path)] for path in files])


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamps(files: Mapping[str, Path]) -> dict[str, list[object]]:
    """What stands for the files' content without reading it: where they lie, their size and time."""
    found = ((name, path, path.lstat()) for name, path in files.items())
    return {name: [str(path), status.st_size, status.st_mtime_ns] for name, path, status in found}


def once(folder: Path, name: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder `<folder>/<name>-<key>`, filled by `make` if it is not there yet.

    `make` gets an empty folder that becomes the final one when it returns; what fails half-way is made afresh next
    time. Two processes that want the same thing wait for each other.
    """
    target = folder / f"{name}-{key}"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            part = folder / f".{target.name}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(target)
    return target
