"""Faults by rule: what goes wrong, for which request or task, and how often.

A rule is data: {action, method, path, task, node, vmid, storage, lock, nth, count, probability, ...options}.
Code that can fail asks `world.faults.take("storage_full", storage="local-lvm")` and gets the rule that fires now, or
None. Filters compare with the request or task at work (lab.pve.context) and with the facts given to `take`;
an absent filter fits all. `path` is a template of the API, or a regular expression of the path after `~`.
`nth` fires at the nth fitting event only, `count` at most so often, `probability` in so many of them.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from dataclasses import dataclass, field
from typing import Any

from lab.pve.context import ORIGIN, Origin

# action -> the hook that asks for it
ACTIONS = {
    "status": "before the handler: answers `status` with `text`",
    "delay": "before the handler: waits `seconds`",
    "unauthorized": "before the handler: 401, as for an expired ticket or token",
    "no_quorum": "before a write: 500, no quorum",
    "node_offline": "before the handler of a path with this node: 595",
    "status596_after_work": "after the handler: 596, the work is done",
    "reset_after_write": "after the handler: the connection is reset, the work is done",
    "reset_before_work": "before the handler: the connection is reset, nothing was done",
    "task_death": "in a task: the worker is killed after `after_lines` log lines (default 0)",
    "task_error": "in a task: the worker dies with `text`",
    "task_delay": "in a task: the worker first waits `seconds`",
    "task_hold": "in a task: the worker first waits until the rule is removed",
    "lock_timeout": "at a lock: waits its time and gives up; filter `lock` is a regular expression of its path",
    "storage_full": "at an allocation",
    "foreign_edit": "before an update of a configuration: someone else changes it first",
    "agent_never_up": "in a guest: the agent never answers",
    "boot_failure": "in a guest: the system never boots",
    "id_taken": "at creation: a stranger's guest has the id",
    "download_failure": "in a download: the transfer stops with `text`",
}
_FILTERS = ("method", "task", "node", "vmid", "storage")


@dataclass
class Rule:
    """One rule with its counters; `options` are the action's own values."""

    number: int
    action: str
    filters: dict[str, Any]
    nth: int | None = None
    count: int | None = None
    probability: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    fired: int = 0
    removed: asyncio.Event = field(default_factory=asyncio.Event)

    def get(self, key: str, default: Any = None) -> Any:
        return self.options.get(key, default)

    def shown(self) -> dict[str, Any]:
        return {"id": self.number, "action": self.action, **self.filters, **self.options, "nth": self.nth,
                "count": self.count, "probability": self.probability, "seen": self.seen, "fired": self.fired}


class Faults:
    """The rules in force, oldest first."""

    def __init__(self, seed: int = 0) -> None:
        self._rules: list[Rule] = []
        self._numbers = itertools.count(1)
        self._random = random.Random(seed)

    def add(self, data: dict[str, Any]) -> Rule:
        """Add a rule; ValueError names what is wrong with it."""
        data = dict(data)
        action = data.pop("action", None)
        if action not in ACTIONS:
            raise ValueError(f"action {action!r} is unknown; known: {', '.join(sorted(ACTIONS))}")
        filters = {key: data.pop(key) for key in (*_FILTERS, "path", "lock") if data.get(key) is not None}
        for key in ("path", "lock"):
            if str(filters.get(key, "")).startswith("~") or key == "lock" and key in filters:
                re.compile(str(filters[key]).removeprefix("~"))
        nth, count = data.pop("nth", None), data.pop("count", None)
        rule = Rule(next(self._numbers), action, filters, None if nth is None else int(nth),
                    None if count is None else int(count), float(data.pop("probability", 1.0)), data)
        self._rules.append(rule)
        return rule

    def list(self) -> list[dict[str, Any]]:
        return [rule.shown() for rule in self._rules]

    def clear(self, action: str | None = None) -> None:
        """Remove all rules, or those of one action."""
        for rule in self._rules:
            if action in (None, rule.action):
                rule.removed.set()
        self._rules = [rule for rule in self._rules if not rule.removed.is_set()]

    def take(self, action: str, **facts: Any) -> Rule | None:
        """The first rule for `action` that fires now. Asking counts as an event for `nth` and `count`."""
        origin = ORIGIN.get()
        for rule in self._rules:
            if rule.action == action and _fits(rule.filters, origin, facts) and self._fires(rule):
                return rule
        return None

    def _fires(self, rule: Rule) -> bool:
        rule.seen += 1
        if rule.nth is not None and rule.seen != rule.nth:
            return False
        if rule.count is not None and rule.fired >= rule.count:
            return False
        if rule.probability < 1 and self._random.random() >= rule.probability:
            return False
        rule.fired += 1
        return True


def _fits(filters: dict[str, Any], origin: Origin | None, facts: dict[str, Any]) -> bool:
    known = dict(facts)
    if origin:
        known = {"method": origin.method, "task": origin.task_type, "node": origin.node, "vmid": origin.vmid, **facts}
    for key in _FILTERS:
        if key in filters and str(filters[key]) != str(known.get(key)):
            return False
    if "path" in filters and not _path_fits(str(filters["path"]), origin):
        return False
    return "lock" not in filters or re.search(str(filters["lock"]), str(known.get("lock", ""))) is not None


def _path_fits(wanted: str, origin: Origin | None) -> bool:
    if origin is None:
        return False
    if wanted.startswith("~"):
        return re.search(wanted[1:], origin.path) is not None
    return wanted in (origin.template, origin.path)
