"""Playbooks run in a lab as a user runs them, with when each task began."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.lab.conftest import LabCommand
from tests.lab.test_site import changes

CALLBACKS = Path(__file__).resolve().parent.parent / "callbacks"
ON_CONTROL_MACHINE = "localhost"
# They run no module on the control machine either.
NOT_MODULES = {
    "set_fact",
    "debug",
    "assert",
    "include_role",
    "include_tasks",
    "import_role",
    "import_tasks",
    "meta",
    "group_by",
}


@dataclass(frozen=True)
class Task:
    play: str
    name: str
    began: float


@dataclass(frozen=True)
class Played:
    """One run. Times are seconds of the epoch."""

    began: float
    ended: float
    said: str
    tasks: list[Task]
    on_control_machine: int
    """Tasks that ran a module there."""

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def changed(self) -> int:
        return sum(changes(self.said).values())

    def start_of(self, play: str) -> float:
        """When the first task of a play began."""
        return next(task.began for task in self.tasks if task.play == play)

    def longest(self, count: int = 12) -> list[tuple[float, str]]:
        """Tasks by how long it took until the next one began."""
        ends = [task.began for task in self.tasks[1:]] + [self.ended]
        spent: Counter[str] = Counter()
        for task, end in zip(self.tasks, ends):
            spent[task.name] += end - task.began
        return [(seconds, name) for name, seconds in spent.most_common(count)]


def play(lab: LabCommand, playbook: str, *words: str) -> Played:
    """Runs a playbook that must end well."""
    kept = lab.folder / "timeline.jsonl"
    settings = {
        "ANSIBLE_CALLBACKS_ENABLED": "timeline",
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "TIMELINE_FILE": str(kept),
    }
    began = time.time()
    said = lab("exec", "--", "env", *(f"{k}={v}" for k, v in settings.items()), "ansible-playbook", playbook, *words)
    ended = time.time()
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    own = [line for line in lines if line.get("done") == ON_CONTROL_MACHINE]
    return Played(
        began,
        ended,
        said,
        [Task(line["play"], line["task"], line["at"]) for line in lines if "task" in line],
        sum(line["action"].rpartition(".")[2] not in NOT_MODULES for line in own),
    )
