# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run returns: one record per guest, the diff, and the lines that sum it up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._vm_apply import Work
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed


@dataclass
class RunResult:
    """Result keys of the module, and the errors of single guests."""

    changed: bool
    guests: list[dict[str, Any]]
    orphans: list[dict[str, Any]]
    reboots_waiting: dict[str, list[str]]
    summary: dict[str, int]
    diff: dict[str, str]
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Result keys of the module, without warnings and errors."""
        return {
            "changed": self.changed,
            "guests": self.guests,
            "orphans": self.orphans,
            "reboots_waiting": self.reboots_waiting,
            "summary": self.summary,
            "diff": self.diff,
        }


def result_of(
    works: list[Work],
    observed: dict[int, Observed | None],
    warnings: list[str],
    orphans: list[Observed],
    state: str,
) -> RunResult:
    """The result of a run, or of a check run over the same plans."""
    warnings = list(warnings)
    for work in works:
        warnings += work.plan.notes + (work.arrival.warnings if work.arrival else [])
    waiting = [work for work in works if _waits_for_reboot(work)]
    warnings += [
        f"{work.guest.label}: {', '.join(work.plan.reboot_keys)} takes effect at the next boot, and this run does not "
        f"reboot it. Run with machines_reboot=when_needed (option reboot of the module), or stop and start it"
        for work in waiting
    ]
    warnings += [
        f"{row.name or 'guest'} ({row.vm_id}) on {row.node} is ours, but its row is gone from the table; "
        f"it was left alone. Put the row back, or destroy it: give its id to the playbook detectviz.infra.reset"
        for row in orphans
    ]
    errors = [str(work.error) for work in works if work.error]
    return RunResult(
        changed=any(work.plan.changed for work in works),
        guests=[_guest(work, observed[work.guest.vm_id], state) for work in works],
        orphans=[{"vm_id": row.vm_id, "name": row.name, "node": row.node, "status": row.status} for row in orphans],
        reboots_waiting={work.guest.name: list(work.plan.reboot_keys) for work in waiting},
        summary=_summary(works),
        diff=_diff(works),
        warnings=warnings,
        errors=errors,
    )


def _waits_for_reboot(work: Work) -> bool:
    """Whether something still waits for a boot when this run has ended."""
    return work.plan.reboot_required and (not work.plan.has("reboot") or work.error is not None)


def _guest(work: Work, observed: Observed | None, state: str) -> dict[str, Any]:
    plan = work.plan
    return {
        "vm_id": plan.vm_id,
        "name": plan.name,
        "node": plan.node,
        "status": _status(work, observed, state),
        "addresses": work.arrival.addresses if work.arrival else work.guest.static_addresses,
        "host_keys": work.arrival.host_keys if work.arrival else [],
        "changed": plan.changed,
        "operations": [
            {"step": step.kind, "text": step.text, "changes": [_public(change.to_dict()) for change in step.changes]}
            for step in plan.steps
        ],
        "reboot_required": plan.reboot_required,
        "reboot_keys": list(plan.reboot_keys),
        "notes": plan.notes,
        "error": str(work.error) if work.error else None,
    }


def _public(change: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in change.items() if key != "value"}


def _status(work: Work, observed: Observed | None, state: str) -> str:
    """Power state after the run, or that a check run would lead to; ``failed`` for a guest with an error."""
    if work.error:
        return "failed"
    if state == "absent":
        return "absent"
    if state == "started":
        return "running"
    if state == "stopped" or observed is None:
        return "stopped"
    return observed.status


def _summary(works: list[Work]) -> dict[str, int]:
    def count(*kinds: str) -> int:
        return sum(any(work.plan.has(kind) for kind in kinds) for work in works)

    return {
        "create": count("clone"),
        "update": sum(
            work.plan.exists and (work.plan.has("config") or work.plan.has("resize") or work.plan.has("cloudinit"))
            for work in works
        ),
        "start": count("start"),
        "stop": sum(work.plan.has("shutdown") and not work.plan.has("destroy") for work in works),
        "reboot": count("reboot"),
        "destroy": count("destroy"),
        "unchanged": sum(not work.plan.changed for work in works),
        "failed": sum(work.error is not None for work in works),
    }


def _diff(works: list[Work]) -> dict[str, str]:
    """Before and after of every changed option, one line each, under the guest's name."""
    before: list[str] = []
    after: list[str] = []
    for work in works:
        if not work.plan.changed:
            continue
        # What a clone has from its template was never the guest's own, so a new guest has no before.
        gone = before if work.plan.exists else []
        for side in (gone, after):
            side.append(f"{work.plan.label} on {work.plan.node}:")
        for step in work.plan.steps:
            if step.kind in ("start", "shutdown"):
                gone.append(f"  power: {'stopped' if step.kind == 'start' else 'running'}")
                after.append(f"  power: {'running' if step.kind == 'start' else 'stopped'}")
            for change in step.changes:
                if change.before:
                    gone.append(f"  {change.key}: {_one_line(change.before)}")
                if change.after:
                    effect = "" if change.effect == "in place" else f"  ({change.effect})"
                    after.append(f"  {change.key}: {_one_line(change.after)}{effect}")
    return {"before": _text(before), "after": _text(after)}


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n")


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
