# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the plans of all guests: pipelines in parallel, then starts, waits and reboots.

Storage is what Proxmox serialises: a lock per storage is held for each volume that is made, and waited for ten seconds
at most. So pipelines are bounded per (node, storage), and a shared storage counts once for all nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._vm_changes import NEXT_BOOT
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed
from ansible_collections.detectviz.infra.plugins.module_utils._vm_pipeline import Pipeline, Tools
from ansible_collections.detectviz.infra.plugins.module_utils._vm_power import Power, Startable
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import GuestPlan, Template
from ansible_collections.detectviz.infra.plugins.module_utils._vm_waits import Arrival, Waiter

MAX_THREADS = 64
# Proxmox VE 8 starts the guests of a node one after the other, with a pause of three seconds in between.
START_SECONDS = 5.0


@dataclass
class Work:
    """One guest with its plan, and what became of it."""

    guest: Guest
    plan: GuestPlan
    template: Template | None = None
    storage: str = ""
    shared: bool = False
    ha_managed: bool = False
    arrival: Arrival | None = None
    error: Exception | None = None


@dataclass(frozen=True)
class Limits:
    """Widths and times. Seconds; ``guest`` is for one guest from its first step on, ``total`` for the whole run."""

    local: int = 4
    shared: int = 2
    guest: float = 900.0
    total: float = 7200.0


@dataclass
class Applier:
    """Applies works; each ends with its error or without one, and none keeps another from going on."""

    tools: Tools
    limits: Limits
    wait: str
    pipeline: Pipeline

    def apply(self, works: list[Work]) -> None:
        """Carries out all plans."""
        total = Deadline.after(self.tools.clock, self.limits.total, "the run")
        busy = [work for work in works if work.plan.changed]
        self._pipelines(busy, total)
        self._starts([work for work in busy if work.plan.has("start") and not work.error], total)
        self._reboots([work for work in busy if not work.error], total)

    def _pipelines(self, works: list[Work], total: Deadline) -> None:
        gates: dict[tuple[str, str], list[Work]] = defaultdict(list)
        for work in works:
            gates[_gate(work)].append(work)

        def one(work: Work) -> None:
            self.pipeline.run(work.guest, work.plan, work.template, self._deadline(work, total))

        def one_gate(members: list[Work]) -> None:
            self._each(members, one, self.limits.shared if members[0].shared else self.limits.local)

        with ThreadPoolExecutor(max(1, len(gates))) as pool:
            list(pool.map(one_gate, gates.values()))

    def _starts(self, works: list[Work], total: Deadline) -> None:
        """One start call per node; then all of its guests are waited for at once."""
        nodes: dict[str, list[Work]] = defaultdict(list)
        for work in works:
            nodes[work.plan.node].append(work)
        power, waiter = Power(self.tools), Waiter(self.tools)

        def one_node(node: str) -> None:
            wave = [Startable(work.guest, node, work.ha_managed) for work in nodes[node]]
            seconds = self.limits.guest + START_SECONDS * len(wave)
            longest = Deadline.after(self.tools.clock, seconds, f"start on {node}", total)
            try:
                errors = power.start_all(node, wave, longest)
            except InfraError as error:
                errors = {item.guest.vm_id: error for item in wave}
            for work in nodes[node]:
                work.error = errors.get(work.guest.vm_id)

        def arrive(work: Work) -> None:
            work.arrival = waiter.arrival(work.guest, work.plan.node, self.wait, self._deadline(work, total))

        with ThreadPoolExecutor(max(1, min(MAX_THREADS, len(nodes)))) as pool:
            list(pool.map(one_node, nodes))
        self._each([work for work in works if not work.error], arrive, MAX_THREADS)

    def _reboots(self, works: list[Work], total: Deadline) -> None:
        """One guest at a time, each back before the next goes, so that a cluster on them stays up.

        What a running guest took at once needs no reboot, so the configuration is asked again first. After the first
        guest that does not come back, no other is touched.
        """
        failed: list[str] = []

        def one(work: Work) -> None:
            observed = self.tools.reader.read(Observed(work.guest.vm_id, work.plan.node))
            next_boot = {change.key for change in work.plan.changes() if change.effect == NEXT_BOOT}
            next_boot |= set(work.plan.reboot_keys) & {"cloud-init"}
            keys = sorted(next_boot | set(observed.pending))
            work.plan.reboot_required, work.plan.reboot_keys = bool(keys), tuple(keys)
            if not keys or not work.plan.has("reboot"):
                return
            if failed:
                raise InfraError(f"{work.guest.label}: was not rebooted, since {failed[0]} did not come back")
            failed.append(work.guest.label)
            self._reboot(work, ", ".join(keys), self._deadline(work, total))
            failed.clear()

        self._each([work for work in works if work.plan.reboot_required], one, 1)

    def _reboot(self, work: Work, why: str, deadline: Deadline) -> None:
        Power(self.tools).reboot(work.guest, work.plan.node, why, deadline)
        work.plan.reboot_required, work.plan.reboot_keys = False, ()
        work.arrival = Waiter(self.tools).arrival(work.guest, work.plan.node, self.wait, deadline)

    def _deadline(self, work: Work, total: Deadline) -> Deadline:
        return Deadline.after(self.tools.clock, self.limits.guest, work.guest.label, total)

    def _each(self, works: list[Work], act: Callable[[Work], None], width: int) -> None:
        def guarded(work: Work) -> None:
            try:
                act(work)
            except InfraError as error:
                work.error = error

        with ThreadPoolExecutor(max(1, min(width, len(works)))) as pool:
            list(pool.map(guarded, works))


def _gate(work: Work) -> tuple[str, str]:
    """What bounds a guest's pipeline: a shared storage is one for all nodes."""
    return ("", work.storage) if work.shared else (work.plan.node, work.storage)
