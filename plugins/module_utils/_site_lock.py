# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run per site at a time on this machine. The kernel drops the lock when the run dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.detectviz.infra.plugins.module_utils._errors import LockedError
from ansible_collections.detectviz.infra.plugins.module_utils._private_folder import private_folder


def default_state_dir(site: str) -> Path:
    """Where a run without a state directory keeps its lock: the user's own state folder."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "detectviz.infra" / site


@contextlib.contextmanager
def site_lock(site: str, state_dir: Path) -> Iterator[None]:
    """Holds ``run.lock`` of the site. Raises LockedError at once when another run holds it, or it cannot be made."""
    path = state_dir / "run.lock"
    try:
        private_folder(state_dir)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LockedError(
            f"the lock {path} of site {site} cannot be made: {error.strerror}. Nothing was changed; set state_dir to a "
            f"folder that you may write to"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another run"
            raise LockedError(f"site {site} is being worked on by {holder}; wait until it ends ({path})") from None
        os.ftruncate(descriptor, 0)
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}, since {started}".encode(), 0)
        yield
    finally:
        os.close(descriptor)
