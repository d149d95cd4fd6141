# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No node gets a Python package: modules that need one run on the control machine, and Python is the system's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml"))
TEMPLATES = sorted((ROOT / "roles").rglob("*.j2"))
INSTALLERS = re.compile(
    r"(^|[\s;&|'\"/])(pipx?[\d.]*\s.*\binstall|python[\d.]*\s+-m\s+(pip|ensurepip|venv)|(uv|pipx|easy_install|get-pip\.py)\s)"
    r"|(^|\s)python3?-(pip|venv|virtualenv)($|[\s=])|(^|\s)pipx($|=)"
)
MODULES = {"pip", "pipx", "pip_package_info", "easy_install"}


def _texts(found: Any) -> Iterator[str]:
    """Every text of a document; a list of words is also one command."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for value in found.values():
            yield from _texts(value)
    elif isinstance(found, list):
        yield " ".join(item for item in found if isinstance(item, str))
        for item in found:
            yield from _texts(item)


def _modules(found: Any) -> Iterator[str]:
    """Every key of a task that may name a module."""
    if isinstance(found, dict):
        yield from (str(key).rpartition(".")[2] for key in found)
        found = list(found.values())
    if isinstance(found, list):
        for item in found:
            yield from _modules(item)


def _installs(document: Any) -> list[str]:
    """What of a document installs Python packages."""
    return sorted(MODULES & set(_modules(document))) + [text for text in _texts(document) if INSTALLERS.search(text)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_role_and_no_playbook_installs_python_packages(path: Path) -> None:
    assert _installs(yaml.safe_load(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_does(path: Path) -> None:
    assert [line for line in path.read_text(encoding="utf-8").splitlines() if INSTALLERS.search(line)] == []


@pytest.mark.parametrize(
    "task",
    [
        {"ansible.builtin.pip": {"name": "kubernetes"}},
        {"block": [{"pip": {"name": "kubernetes"}}]},
        {"community.general.pipx": {"name": "x"}},
        {"ansible.builtin.command": "pip3 install kubernetes"},
        {"ansible.builtin.command": {"argv": ["/usr/bin/pip", "install", "kubernetes"]}},
        {"ansible.builtin.shell": "true && python3.11 -m pip install kubernetes"},
        {"ansible.builtin.apt": {"name": ["curl", "python3-pip"]}},
    ],
)
def test_a_task_that_does_is_found(task: dict[str, Any]) -> None:
    assert _installs([task])


@pytest.mark.parametrize("text", ["pipe install", "a pipeline", "python3-apt", "python3 -m json.tool", "PIPELINING"])
def test_words_that_only_look_alike_are_not(text: str) -> None:
    assert _installs([{"ansible.builtin.command": text}]) == []
