# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of another version are replaced only with the user's word, which comes as text from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plays import play, program

ROLE: dict[str, Any] = {"name": "detectviz.infra.pinned_packages"}
OPTIONS = {"pinned_packages_names": ["kubelet"], "pinned_packages_version": "1.36", "pinned_packages_repository": {}}


@pytest.mark.parametrize(("word", "replaced"), [("true", True), ("yes", True), ("false", False), (None, False)])
def test_another_version_is_replaced_only_where_the_user_says_so(tmp_path: Path, word: str | None, replaced: bool) -> None:
    program(tmp_path, "node", "dpkg-query", "printf 'kubelet\\t1.35.9-1.1\\thi \\n'")
    program(tmp_path, "node", "apt-cache", "exit 0")
    said = [] if word is None else ["-e", f"pinned_packages_replace={word}"]
    code, output = play(tmp_path, [{"ansible.builtin.include_role": ROLE, "vars": OPTIONS}], {"node": {}}, "--check", *said)
    assert (code == 0) is replaced, output
    assert ("Would be installed: kubelet 1.36" in output) is replaced, output
    assert ("node has kubelet 1.35.9-1.1, and the site wants 1.36" in output) is not replaced, output
