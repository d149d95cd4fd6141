# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run per site at a time on this machine. The kernel drops the locks when the run dies, however it dies.

There are two. ``playbook.lock`` belongs to a whole run of a playbook: ansible-playbook itself takes it, so that its workers,
which outlive it when it is killed, go on holding it until they end too. ``run.lock`` belongs to a module that changes
guests. Such a module works below a playbook that holds the site, or alone; then it shares ``playbook.lock``, so that no
playbook begins beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.detectviz.infra.plugins.module_utils._errors import LockedError
from ansible_collections.detectviz.infra.plugins.module_utils._private_folder import private_folder

PLAYBOOK_LOCK = "playbook.lock"
RUN_LOCK = "run.lock"

_HELD: dict[Path, int] = {}
"""Descriptors of the locks that this process, or the one that it was forked from, holds until its end."""


def default_state_dir(site: str) -> Path:
    """Where a run without a state directory keeps its lock: the user's own state folder."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "detectviz.infra" / site


def hold_site(site: str, state_dir: Path, playbook: str) -> None:
    """Takes the site for as long as this process or a fork of it lives. Raises LockedError when another run has it."""
    path = state_dir / PLAYBOOK_LOCK
    if path in _HELD:
        return
    descriptor = _open(site, path)
    whole = _locked(descriptor, fcntl.LOCK_EX)
    # A module at work shares the lock, or is all that a killed run has left.
    if not whole or _is_held(state_dir / RUN_LOCK):
        shared = whole or _locked(descriptor, fcntl.LOCK_SH)
        os.close(descriptor)
        raise _refused(site, state_dir / RUN_LOCK if shared else path)
    _tell(descriptor, f"{playbook}, ")
    _HELD[path] = descriptor


@contextlib.contextmanager
def site_lock(site: str, state_dir: Path) -> Iterator[None]:
    """Holds ``run.lock`` of the site. Raises LockedError at once when another run has the site, or it cannot be made."""
    with contextlib.ExitStack() as stack:
        module, playbook = (
            stack.enter_context(_opened(site, state_dir / name)) for name in (RUN_LOCK, PLAYBOOK_LOCK)
        )
        if not _locked(playbook, fcntl.LOCK_SH) and not _is_above(_holder(playbook)):
            raise _refused(site, state_dir / PLAYBOOK_LOCK)
        if not _locked(module, fcntl.LOCK_EX):
            raise _refused(site, state_dir / RUN_LOCK)
        _tell(module, "")
        yield


@contextlib.contextmanager
def _opened(site: str, path: Path) -> Iterator[int]:
    descriptor = _open(site, path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open(site: str, path: Path) -> int:
    try:
        private_folder(path.parent)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LockedError(
            f"the lock {path} of site {site} cannot be made: {error.strerror}. Nothing was changed; set state_dir to a "
            f"folder that you may write to"
        ) from error


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _locked(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _tell(descriptor: int, what: str) -> None:
    os.ftruncate(descriptor, 0)
    started = time.strftime("%Y-%m-%d %H:%M:%S")
    os.pwrite(descriptor, f"{what}process {os.getpid()} on {socket.gethostname()}, since {started}".encode(), 0)


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 500, 0).decode("utf-8", "replace").strip()


def _refused(site: str, path: Path) -> LockedError:
    holder = path.read_text(encoding="utf-8", errors="replace").strip() or "another run"
    pid = _pid_here(holder)
    left = _with_file(path) if pid and not Path(f"/proc/{pid}").exists() else []
    killed = f", which was killed; still at work: process {', '.join(map(str, left))}" if left else ""
    return LockedError(f"site {site} is being worked on by {holder}{killed}; wait until it ends ({path})")


def _with_file(path: Path) -> list[int]:
    """Other processes that have a file open, as far as this user may see."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if link.readlink() == path.resolve():
                found.add(int(link.parts[2]))
    return sorted(found - {os.getpid()})


def _pid_here(holder: str) -> int | None:
    """The process of this machine that ``_tell`` has named."""
    found = re.search(r"process (\d+) on (\S+), since", holder)
    return int(found[1]) if found and found[2] == socket.gethostname() else None


def _is_above(holder: str) -> bool:
    """Whether the process that ``_tell`` has named is one that this process descends from."""
    wanted, pid = _pid_here(holder), os.getpid()
    while wanted and pid > 1 and pid != wanted:
        pid = _parent(pid)
    return pid == wanted


def _parent(pid: int) -> int:
    """Behind the program's name, which may hold anything, come the state and the parent; 0 where it cannot be known."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
