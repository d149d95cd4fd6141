# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of ``proxmox_vm_clone``: read, plan, check, apply, tell."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.detectviz.infra.plugins.module_utils import _plan_file, _vm_ownership, _vm_replaced
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock, Deadline, SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import DeadlineError, LockedError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._progress import Progress
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._site_lock import site_lock
from ansible_collections.detectviz.infra.plugins.module_utils._task_watcher import TaskWatcher
from ansible_collections.detectviz.infra.plugins.module_utils._vm_apply import Applier, Limits, Work
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import (
    Observed,
    fingerprint,
    storage_of,
    system_disk,
)
from ansible_collections.detectviz.infra.plugins.module_utils._vm_pipeline import Pipeline, Tools
from ansible_collections.detectviz.infra.plugins.module_utils._vm_plan import fast_equal, plan_guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_preflight import Preflight, preflight
from ansible_collections.detectviz.infra.plugins.module_utils._vm_reader import GuestReader
from ansible_collections.detectviz.infra.plugins.module_utils._vm_result import RunResult, result_of
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import GuestPlan, Options


@dataclass(frozen=True)
class Settings:
    """Everything about a run that is not a guest. ``max_reboot`` None: no limit."""

    options: Options
    state_dir: Path
    check_mode: bool = False
    wait: str = "ssh"
    verify: str = "full"
    limits: Limits = field(default_factory=Limits)
    plan_file: Path | None = None
    max_destroy: int = 1
    max_reboot: int | None = None
    progress_file: str | None = None


class Run:
    """One run over a set of guests."""

    def __init__(
        self, client: ProxmoxClient, guests: list[Guest], settings: Settings, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._guests = guests
        self._settings = settings
        self._clock = clock or SystemClock()
        watchers: dict[str, TaskWatcher] = {}

        def watcher(node: str) -> TaskWatcher:
            return watchers.setdefault(node, TaskWatcher(client, node, self._clock))

        self._tools = Tools(client, GuestReader(client), self._clock, Progress(settings.progress_file), watcher)
        self._pipeline = Pipeline(self._tools, settings.options, exact=settings.plan_file is not None)

    def execute(self) -> RunResult:
        """Plans, and unless it is a check run, applies. Raises InfraError before the first write; a guest that fails
        later is an error in the result, and the others go on."""
        with self._lock():
            return self._execute(first=True)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """A check run changes nothing, so it needs no lock."""
        if self._settings.check_mode:
            yield
            return
        with site_lock(self._settings.options.site, self._settings.state_dir):
            yield

    def _execute(self, first: bool) -> RunResult:
        settings = self._settings
        rows, observed = self._observe()
        works, checked = self._plan(rows, observed)
        document = _plan_file.make(
            settings.options.site,
            settings.options.state,
            fingerprint(observed),
            [work.plan.to_dict() for work in works if work.plan.changed],
        )
        if settings.plan_file is not None:
            if settings.check_mode:
                _plan_file.save(settings.plan_file, document)
            else:
                _plan_file.check(settings.plan_file, document)
        if not settings.check_mode and any(work.plan.changed for work in works):
            if self._others_at_work([work for work in works if work.plan.changed], first):
                return self._execute(first=False)
            Applier(self._tools, settings.limits, settings.wait, self._pipeline).apply(works)
        return result_of(works, observed, checked.warnings, self._orphans(rows), settings.options.state)

    def _observe(self) -> tuple[list[Observed], dict[int, Observed | None]]:
        """The cluster list, and each of our guests with its configuration where that is needed."""
        rows = self._tools.reader.rows()
        if not self._settings.check_mode:
            rows = self._settle_clones(rows)
        by_id = {row.vm_id: row for row in rows}
        wanted = {guest.vm_id: guest for guest in self._guests}
        present = [by_id[vm_id] for vm_id in wanted if vm_id in by_id]
        if self._settings.verify == "fast" and self._settings.options.state != "absent":
            present = [row for row in present if not fast_equal(wanted[row.vm_id], row, self._settings.options)]
        read = self._tools.reader.read_all(present)
        if self._settings.options.state == "started":
            read = {vm_id: self._tools.reader.confirm_stopped(seen) for vm_id, seen in read.items()}
        return rows, {vm_id: read.get(vm_id, by_id.get(vm_id)) for vm_id in wanted}

    def _settle_clones(self, rows: list[Observed]) -> list[Observed]:
        """A clone that is still being made (by a run that was killed) is waited for; its task has the template's id."""
        wanted = {guest.vm_id for guest in self._guests}
        cloning = [row for row in rows if row.vm_id in wanted and row.lock == "clone"]
        if not cloning:
            return rows
        deadline = Deadline.after(self._clock, self._settings.limits.guest, "clones of an earlier run")
        for node in sorted({row.node for row in rows if row.template} | {row.node for row in cloning}):
            watcher = self._tools.watcher(node)
            for task in watcher.running(deadline):
                if task.get("type") == "qmclone":
                    watcher.wait_ended(str(task["upid"]), deadline)
        return self._tools.reader.rows()

    def _plan(self, rows: list[Observed], observed: dict[int, Observed | None]) -> tuple[list[Work], Preflight]:
        """Plans of all guests. Raises ProblemsError with everything that is refused or missing."""
        settings, options = self._settings, self._settings.options
        plans: dict[int, GuestPlan] = {}
        new: list[Guest] = []
        for guest in self._guests:
            seen = observed[guest.vm_id]
            if seen is None and options.state != "absent":
                new.append(guest)
            elif seen is not None and seen.config is None and seen.kind == "qemu" and not seen.template:
                # The list alone was enough (verify: fast).
                plans[guest.vm_id] = GuestPlan(guest.vm_id, guest.name, seen.node, exists=True)
            else:
                plans[guest.vm_id] = plan_guest(guest, seen, None, options)
        updated = [guest for guest in self._guests if guest.vm_id in plans and plans[guest.vm_id].changed]
        checked = Preflight()
        if (new or updated) and options.state != "absent":
            starts, asks = options.state == "started", options.state == "started" and settings.wait != "none"
            pooled = {plan.vm_id for plan in plans.values() if any(change.key == "pool" for change in plan.changes())}
            checked = preflight(self._client, new, updated, pooled, rows, starts, asks)
        for guest in new:
            if guest.vm_id in checked.templates:
                plans[guest.vm_id] = plan_guest(guest, None, checked.templates[guest.vm_id], options)
        problems = [text for plan in plans.values() for text in plan.refusals] + checked.problems
        problems += self._replaced(new, rows, checked)
        problems += self._over_limits(list(plans.values()))
        if problems:
            raise ProblemsError("The plan cannot be carried out; nothing was changed:", problems)
        works = []
        for guest in self._guests:
            plan, template, seen = plans[guest.vm_id], checked.templates.get(guest.vm_id), observed[guest.vm_id]
            if template:
                storage = template.storage or _storage(template.config)
            else:
                storage = _storage(seen.config if seen else None)
            works.append(
                Work(
                    guest,
                    plan,
                    template,
                    storage,
                    checked.shared(plan.node, storage),
                    ha_managed=bool(seen and seen.ha_managed),
                )
            )
        return works, checked

    def _over_limits(self, plans: list[GuestPlan]) -> list[str]:
        problems = []
        for kind, limit, option in (
            ("destroy", self._settings.max_destroy, "max_destroy"),
            ("reboot", self._settings.max_reboot, "max_reboot"),
        ):
            names = [plan.label for plan in plans if plan.has(kind)]
            if limit is not None and len(names) > limit:
                problems.append(
                    f"{len(names)} guests would be {kind}ed ({', '.join(names)}), {option} allows {limit}; "
                    f"set {option}: {len(names)} if that is what you want"
                )
        return problems

    def _others_at_work(self, works: list[Work], first: bool) -> bool:
        """Whether tasks worked on our guests just now; they are waited for, and the plan has to be made again.

        Such tasks are what a killed run left behind, and then they end; or somebody else is at work, and then more
        come. Raises LockedError when there are some again the second time.
        """
        labels = {str(work.guest.vm_id): work.guest.label for work in works if work.plan.exists}
        if not labels:
            return False
        deadline = Deadline.after(self._clock, self._settings.limits.guest, "tasks of another run")
        found = False
        for node in sorted({work.plan.node for work in works if work.plan.exists}):
            watcher = self._tools.watcher(node)
            for task in watcher.running(deadline):
                label, upid = labels.get(str(task.get("id"))), str(task["upid"])
                if label is None:
                    continue
                try:
                    if first:
                        watcher.wait_ended(upid, deadline)
                        found = True
                        continue
                except DeadlineError:
                    pass
                raise LockedError(
                    f"{label}: {task.get('user')} is working on it (task {upid}): another run for this site, or somebody "
                    f"at the host; nothing was changed. Run again when that has ended"
                )
        return found

    def _replaced(self, new: list[Guest], rows: list[Observed], checked: Preflight) -> list[str]:
        """Problems of new guests whose name or address an orphan has. Orphans are read only where there are both.

        One whose node is down cannot be read nor destroyed, and must not keep its place from being taken.
        """
        orphans = [row for row in self._orphans(rows) if row.kind == "qemu" and row.status != "unknown"]
        if not new or not orphans:
            return []
        problems = _vm_replaced.same_name(new, orphans)
        names = {guest.name for guest in new}
        try:
            read = self._tools.reader.read_all([row for row in orphans if row.name not in names])
        except ProblemsError as error:
            checked.warnings.append(f"Whether orphans have an address of a new guest is not known: {error}")
            return problems
        return problems + _vm_replaced.same_address(new, read.values())

    def _orphans(self, rows: list[Observed]) -> list[Observed]:
        """Guests that carry our site's tag and are in no row of the table. A list to be destroyed is no table."""
        if self._settings.options.state == "absent":
            return []
        wanted = {guest.vm_id for guest in self._guests}
        tag = _vm_ownership.site_tag(self._settings.options.site)
        return [row for row in rows if tag in row.tags and row.vm_id not in wanted and not row.template]


def _storage(config: dict[str, str] | None) -> str:
    boot = system_disk(config or {})
    return storage_of((config or {})[boot]) if boot else ""
