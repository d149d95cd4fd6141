# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the writes of one guest, one after the other, and finds its way after a failure by looking again.

No write is repeated blindly: after a failure that deserves another try, tasks that still run are waited for, the guest
is read and planned anew, and the rest of the new plan is carried out. That also resolves a write without an answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock, Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._errors import DeadlineError, InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._progress import Progress
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import (
    ApiError,
    Reason,
    TaskError,
    UnknownOutcomeError,
    UnreachableError,
    UntrustedError,
)
from ansible_collections.detectviz.infra.plugins.module_utils._task_watcher import TaskWatcher
from ansible_collections.detectviz.infra.plugins.module_utils._vm_exact import beyond
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed
from ansible_collections.detectviz.infra.plugins.module_utils._vm_plan import SEED_NOW, plan_guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_reader import GuestReader
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import GuestPlan, Options, Step, Template

MAX_RETRIES = 6
_RETRIED = {
    Reason.LOCK_TIMEOUT,
    Reason.ID_TAKEN,
    Reason.CHANGED,
    Reason.NOT_YET,
    Reason.KILLED,
    Reason.MISSING,
    Reason.NOT_RUNNING,
}
# An HA manager stops a guest when it gets to it; its task ends at once.
STATUS_SECONDS = 2.0
# Carried out by others: start by node, reboot one after the other.
_LATER = ("start", "reboot")


class StepError(InfraError):
    """A step of a guest failed for good: names guest, step and what came back."""

    def __init__(self, guest: str, step: str, cause: Exception) -> None:
        self.guest = guest
        self.step = step
        self.cause = cause
        self.upid = getattr(cause, "upid", None)
        super().__init__(f"{guest}: {step}: {str(cause).removeprefix(guest + ': ')}")


class _After(InfraError):
    """An error that ended the tries of a step, and the error that made them necessary."""

    def __init__(self, last: Exception, first: Exception, guest: str) -> None:
        self.upid = getattr(last, "upid", None) or getattr(first, "upid", None)
        super().__init__(f"{str(last).removeprefix(guest + ': ')}\n  it was tried again because: {first}")


@dataclass
class Tools:
    """What every part of a run works with. ``watcher`` gives the task watcher of a node."""

    client: ProxmoxClient
    reader: GuestReader
    clock: Clock
    progress: Progress
    watcher: Callable[[str], TaskWatcher]
    jitter: Callable[[float, float], float] = random.uniform

    def write(self, step: Step, deadline: Deadline) -> None:
        """Sends one write and waits for its task. Raises what the client and the watcher raise."""
        data = dict(step.data)
        if SEED_NOW in data.get("description", ""):
            data["description"] = data["description"].replace(SEED_NOW, f"seed={int(self.clock.now())}")
        answer = self.client.write(step.method, step.path, data)
        if isinstance(answer, str) and answer.startswith("UPID:"):
            self.watcher(answer.split(":")[1]).wait(answer, deadline)


def worth_another_try(error: Exception) -> bool:
    """Lost connections, locks held by others, and races; never a refusal."""
    if isinstance(error, UntrustedError):
        return False
    if isinstance(error, (UnreachableError, UnknownOutcomeError)):
        return True
    return isinstance(error, (ApiError, TaskError)) and error.reason in _RETRIED


class Pipeline:
    """Converges one guest. ``exact``: a saved plan is applied, so a guest that moved is an error, and a new look at it
    after a failure may leave nothing to do that was not in that plan."""

    def __init__(self, tools: Tools, options: Options, exact: bool) -> None:
        self._tools = tools
        self._options = options
        self._exact = exact

    def run(self, guest: Guest, plan: GuestPlan, template: Template | None, deadline: Deadline) -> list[Step]:
        """Carries out the plan and returns the steps that were done. Raises StepError or DeadlineError."""
        done: list[Step] = []
        retries = 0
        first = plan
        earlier: Exception | None = None
        while True:
            steps = [step for step in plan.steps if step.kind not in _LATER]
            again = plan.replan_after_clone and bool(steps) and steps[0].kind == "clone"
            if again:
                steps = steps[:1]
            failure = self._carry_out(guest, plan, steps, done, earlier, deadline)
            if failure is None:
                if not again:
                    return done
            else:
                step, error = failure
                earlier = error
                retries += 1
                moved = self._exact and getattr(error, "reason", None) is Reason.CHANGED
                if moved or retries > MAX_RETRIES or not worth_another_try(error):
                    self._tools.progress.say(guest.name, step.text, f"failed: {error}")
                    raise StepError(guest.label, step.text, error) from error
                self._tools.progress.say(guest.name, step.text, f"retry: {error}")
                plan = self._try_again(guest, first, plan, template, failure, retries, deadline)
                continue
            plan = self._look_again(guest, first, plan, template, deadline)

    def _try_again(
        self,
        guest: Guest,
        first: GuestPlan,
        plan: GuestPlan,
        template: Template | None,
        failure: tuple[Step, Exception],
        retries: int,
        deadline: Deadline,
    ) -> GuestPlan:
        """Waits a while and plans what is left. When that cannot be, the error says what came before it as well."""
        step, error = failure
        try:
            deadline.pause(self._tools.jitter(1.0, min(8.0, 2.0**retries)), "another try")
            deadline.check("another try")
            return self._look_again(guest, first, plan, template, deadline)
        except InfraError as later:
            self._tools.progress.say(guest.name, step.text, f"failed: {later}")
            raise StepError(guest.label, step.text, _After(later, error, guest.label)) from error

    def _carry_out(
        self,
        guest: Guest,
        plan: GuestPlan,
        steps: list[Step],
        done: list[Step],
        earlier: Exception | None,
        deadline: Deadline,
    ) -> tuple[Step, Exception] | None:
        """Does the steps in order; returns the one that failed with its error.

        When the time ends, the error also says why an earlier try failed, if one did.
        """
        for step in steps:
            self._tools.progress.say(guest.name, step.text, "start")
            try:
                deadline.check(step.text)
                self._tools.write(step, deadline)
                if step.kind == "shutdown" and plan.ha_managed:
                    self._until_stopped(guest, plan.node, deadline)
            except DeadlineError as error:
                cause = _After(error, earlier, guest.label) if earlier else error
                raise StepError(guest.label, step.text, cause) from error
            except InfraError as error:
                return step, error
            done.append(step)
            self._tools.progress.say(guest.name, step.text, "done")
        return None

    def _until_stopped(self, guest: Guest, node: str, deadline: Deadline) -> None:
        while self._tools.reader.status(Observed(guest.vm_id, node)) != "stopped":
            deadline.pause(STATUS_SECONDS, f"the HA manager to stop {guest.label}")

    def _look_again(
        self, guest: Guest, first: GuestPlan, plan: GuestPlan, template: Template | None, deadline: Deadline
    ) -> GuestPlan:
        """The plan of what is left, from what is there now. ``first`` is the plan that the run began with."""
        nodes = {plan.node} | ({template.node} if template else set())
        for node in sorted(nodes):
            self.settle(guest.vm_id, node, template.vm_id if template else None, deadline)
        observed = self._tools.reader.find(guest.vm_id)
        if observed is None and self._options.state == "absent":
            return plan_guest(guest, None, None, self._options)
        if observed is None and not self._tools.reader.is_free(guest.vm_id):
            raise InfraError(
                f"{guest.label}: id {guest.vm_id} was taken by a guest that the token may not see; nothing of it was "
                f"touched. Choose another vm_id"
            )
        if observed is None and plan.exists:
            raise InfraError(f"{guest.label}: is gone: somebody destroyed it while we worked on it; run again")
        again = plan_guest(guest, observed, template, self._options)
        if again.refusals:
            raise ProblemsError(f"{guest.label}: cannot go on:", again.refusals)
        surplus = beyond(first, again) if self._exact else []
        if surplus:
            raise ProblemsError(
                f"{guest.label}: was changed by somebody else while the saved plan was carried out. What is left would "
                f"go beyond that plan, so it was left alone; make the plan again and read it:",
                surplus,
            )
        return again

    def settle(self, vm_id: int, node: str, template: int | None, deadline: Deadline) -> None:
        """Waits until no task works on the guest. A clone runs under the id of its template."""
        watcher = self._tools.watcher(node)
        for row in watcher.running(deadline):
            ids = {str(vm_id)} | ({str(template)} if template and row.get("type") == "qmclone" else set())
            if str(row.get("id")) in ids:
                watcher.wait_ended(str(row["upid"]), deadline)
