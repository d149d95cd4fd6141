"""Things that are made once and kept: each in a folder of its own, named for what it was made from."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

Say = Callable[[str], None]
KEY_DIGITS = 12
UNUSED_DAYS = 60
LENT = "lent"


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
    time. Two processes that want the same thing wait for each other. The folder's time says when it was last asked for,
    which `trim` goes by.
    """
    target = folder / f"{name}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    # Also for what is there already: it could be trimmed between the look and the mark.
    with _locked(target):
        if not target.exists():
            part = _part_of(target)
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(target)
        os.utime(target)
    return target


def lend(kept: Path, link: Path, target: Path) -> None:
    """Make `link` lead to something below `kept`, and write that down there: `trim` leaves it alone while there is such
    a link.

    The note is a link to the link. `trim` need not know where labs are, which differs between users of one cache, and
    who removes a lab need not know of notes.
    """
    link = link.absolute()
    note = kept / LENT / key_of(str(link))
    note.parent.mkdir(parents=True, exist_ok=True)
    with _locked(note.parent):
        for place, leads_to in ((link, target), (note, link)):
            place.unlink(missing_ok=True)
            place.symlink_to(leads_to)


def trim(kept: Path, folders: Sequence[str], say: Say) -> None:
    """Remove what `once` has made in these folders of `kept` and nobody has asked for in UNUSED_DAYS, and what was begun
    before that and never ended; but nothing that is lent, nor what somebody is making."""
    lent = _lent(kept)
    for name in folders:
        for path in sorted((kept / name).glob("*")):
            target = path.with_name(path.name.removeprefix(".").removesuffix(".part"))
            if path.is_dir() and not _used(path) and target.resolve() not in lent:
                with contextlib.suppress(BlockingIOError), _locked(target, fcntl.LOCK_NB):
                    if not _used(path):
                        _remove(path, _part_of(target))
                        say(f"{kept.name}/{name}/{target.name}: not used for {UNUSED_DAYS} days, removed")


def _remove(path: Path, part: Path) -> None:
    """A folder that is only half removed must not pass for a whole one."""
    if path != part:
        shutil.rmtree(part, ignore_errors=True)
        path.rename(part)
    shutil.rmtree(part)


def _used(folder: Path) -> bool:
    try:
        return folder.stat().st_mtime > time.time() - UNUSED_DAYS * 86400
    except FileNotFoundError:  # it has become whole meanwhile, or another lab has removed it
        return True


def _lent(kept: Path) -> set[Path]:
    """Everything that links lead to, and the folders above. Forgets the notes of links that are gone."""
    found: set[Path] = set()
    with _locked(kept / LENT):
        for note in (kept / LENT).glob("*"):
            if note.readlink().is_symlink():
                place = note.resolve()
                found.update((place, *place.parents))
            else:
                note.unlink()
    return found


@contextlib.contextmanager
def _locked(target: Path, more: int = 0) -> Iterator[None]:
    """The lock's file stays, empty: without it, who waits and who comes later would hold different ones."""
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | more)
        yield


def _part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")
