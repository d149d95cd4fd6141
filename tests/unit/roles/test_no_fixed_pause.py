# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing waits for a fixed time: what is awaited is asked for again and again, and the run goes on when it is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TASKS = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/handlers/*.yml"), *ROOT.glob("playbooks/**/*.yml")])
SOURCES = sorted(ROOT.glob("plugins/**/*.py"))
# The clock is what others wait with.
WAITERS = {"sleep", "pause"}
CLOCK = ROOT / "plugins/module_utils/_clock.py"
SLEEPS = re.compile(r"(^|[\s;&|'\"])sleep\s+\d")


def _tasks(found: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of a file of tasks or plays."""
    if isinstance(found, dict):
        yield found
        found = list(found.values())
    if isinstance(found, list):
        for item in found:
            yield from _tasks(item)


def _pauses(task: dict[str, Any]) -> str | None:
    """What in a task waits for a fixed time."""
    for module, arguments in task.items():
        name = str(module).rpartition(".")[2]
        if name == "pause":
            return "pause"
        if name == "wait_for" and isinstance(arguments, dict) and not {"port", "path"} & set(arguments):
            return "wait_for without something to wait for"
        if name in ("command", "shell", "raw", "script") and SLEEPS.search(str(arguments)):
            return f"sleep in {name}"
    return None


@pytest.mark.parametrize("path", TASKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_task_waits_for_a_fixed_time(path: Path) -> None:
    found = {task.get("name"): why for task in _tasks(yaml.safe_load(path.read_text())) if (why := _pauses(task))}
    assert found == {}


def _calls(tree: ast.AST, function: str = "", looped: bool = False) -> Iterator[tuple[str, str, int, bool]]:
    """Of each call: the function that it is in, what it calls, its line, and whether a loop repeats it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield function, node.func.attr, node.lineno, looped
        if isinstance(node, ast.FunctionDef):
            yield from _calls(node, node.name)
        else:
            yield from _calls(node, function, looped or isinstance(node, (ast.For, ast.While)))


def _waits_outside_loops(source: str) -> list[int]:
    """Lines of waits that no loop repeats, neither one around them nor one around a call of their function."""
    calls = list(_calls(ast.parse(source)))
    repeated = {called for _function, called, _line, looped in calls if looped}
    return [line for function, called, line, looped in calls if called in WAITERS and not looped and function not in repeated]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_plugin_waits_for_a_fixed_time(path: Path) -> None:
    if path != CLOCK:
        assert _waits_outside_loops(path.read_text()) == []


@pytest.mark.parametrize(
    "task",
    [
        {"ansible.builtin.pause": {"seconds": 5}},
        {"ansible.builtin.wait_for": {"timeout": 5}},
        {"ansible.builtin.command": "sleep 5"},
        {"ansible.builtin.shell": {"cmd": "true; sleep 5"}},
    ],
)
def test_a_task_that_does_is_found(task: dict[str, Any]) -> None:
    assert _pauses(task)


def test_a_wait_in_a_loop_is_none_and_one_outside_is_found() -> None:
    assert _waits_outside_loops("while not done():\n    clock.sleep(1)\nclock.sleep(1)\n") == [3]
    tries = "def back_off(self):\n    self.clock.sleep(1)\ndef run(self):\n    "
    assert _waits_outside_loops(f"{tries}for _ in x:\n        self.back_off()\n") == []
    assert _waits_outside_loops(f"{tries}self.back_off()\n") == [2]
