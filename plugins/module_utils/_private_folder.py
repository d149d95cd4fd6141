# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders for what only their owner may read."""

from __future__ import annotations

from pathlib import Path


def private_folder(path: Path) -> None:
    """Makes the folder and those above it that are missing, each for its owner alone. Raises OSError.

    ``Path.mkdir(parents=True)`` gives the mode to the last one only.
    """
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
