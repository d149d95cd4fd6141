# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan is made of: the caller's choices, the template, the steps, and all of them for one guest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._vm_changes import Change


@dataclass(frozen=True)
class Options:
    """What the caller of the module chose, as far as a plan depends on it. ``now`` is seconds since the epoch."""

    site: str
    state: str
    reboot: bool = False
    adopt: frozenset[int] = frozenset()
    now: int = 0


@dataclass(frozen=True)
class Template:
    """The template of one guest: its row and configuration, and whether the clone has to copy all data."""

    vm_id: int
    node: str
    config: dict[str, str]
    full: bool = False
    target: str | None = None
    storage: str | None = None


@dataclass(frozen=True)
class Step:
    """One write. ``kind``: clone, config, cloudinit, resize, start, shutdown, reboot, destroy."""

    kind: str
    text: str
    method: str = ""
    path: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for results and plan files."""
        return {
            "step": self.kind,
            "text": self.text,
            "request": {"method": self.method, "path": self.path, "data": self.data} if self.path else None,
            "changes": [change.to_dict() for change in self.changes],
        }


@dataclass
class GuestPlan:
    """What will be done to one guest, what is refused, and what is only worth saying."""

    vm_id: int
    name: str
    node: str
    exists: bool
    ha_managed: bool = False
    steps: list[Step] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reboot_required: bool = False
    reboot_keys: tuple[str, ...] = ()
    replan_after_clone: bool = False

    @property
    def label(self) -> str:
        """How messages name the guest."""
        return f"{self.name} ({self.vm_id})"

    @property
    def changed(self) -> bool:
        """Whether anything would be written."""
        return bool(self.steps)

    def has(self, kind: str) -> bool:
        """Whether a step of that kind is planned."""
        return any(step.kind == kind for step in self.steps)

    def changes(self) -> list[Change]:
        """All changed options in order."""
        return [change for step in self.steps for change in step.changes]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for results and plan files."""
        return {
            "vm_id": self.vm_id,
            "name": self.name,
            "node": self.node,
            "steps": [step.to_dict() for step in self.steps],
            "notes": self.notes,
            "reboot_required": self.reboot_required,
        }
