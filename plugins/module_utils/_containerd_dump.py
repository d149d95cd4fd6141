# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program says about its configuration in TOML, read on the controller (a node's Python may know no TOML)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._containerd import lacking

try:
    import tomllib
except ImportError:  # Python 3.10, on which no controller runs
    tomllib = None  # type: ignore[assignment]


def toml_lacking(dump: str, wanted: Mapping[str, Any]) -> list[str]:
    """One text for each wanted setting that the dump has otherwise, or not at all."""
    if tomllib is None:
        return ["the control machine's Python is older than 3.11 and cannot read TOML"]
    try:
        return lacking(wanted, tomllib.loads(dump))
    except tomllib.TOMLDecodeError as error:
        return [f"its dump is no TOML: {error}"]
