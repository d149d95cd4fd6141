# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says while it works: one line per guest and step, appended to a file that somebody may follow."""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path


class Progress:
    """Appends JSON lines ``{"guest", "step", "state"}`` to a file; without a path it says nothing.

    ``state`` is ``start``, ``done``, ``retry: why`` or ``failed: why``.
    """

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._lock = threading.Lock()

    def say(self, guest: str, step: str, state: str) -> None:
        """One line, whole, at once."""
        if self._path is None:
            return
        line = json.dumps({"guest": guest, "step": step, "state": state}) + "\n"
        # Nothing of the work depends on who follows it, so a file that cannot be written is passed over.
        with self._lock, contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as stream:
            stream.write(line)
