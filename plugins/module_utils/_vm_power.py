# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts guests, one request per node for all of them, and reboots them one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import Reason, TaskError, reason_of
from ansible_collections.detectviz.infra.plugins.module_utils._task_watcher import succeeded
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_pipeline import StepError, Tools, worth_another_try

MAX_WAVES = 4
# An HA manager starts a guest when it gets to it.
STATUS_SECONDS = 2.0


@dataclass(frozen=True)
class Startable:
    """A guest that has to be started, where it is."""

    guest: Guest
    node: str
    ha_managed: bool = False


class Power:
    """Power state of guests."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def start_all(self, node: str, wave: list[Startable], deadline: Deadline) -> dict[int, Exception]:
        """Starts the guests of one node; returns the errors of those that did not start, by id."""
        waiting = {item.guest.vm_id: item for item in wave}
        errors: dict[int, Exception] = {}
        for attempt in range(1, MAX_WAVES + 1):
            for item in waiting.values():
                self._tools.progress.say(item.guest.name, "start", "start")
            try:
                self._start_wave(node, list(waiting), deadline)
            except InfraError as error:
                errors = {vm_id: StepError(item.guest.label, "start", error) for vm_id, item in waiting.items()}
                if not worth_another_try(error):
                    return errors
            else:
                errors = self._failed(node, waiting, deadline)
            for vm_id in list(waiting):
                if vm_id not in errors:
                    self._tools.progress.say(waiting.pop(vm_id).guest.name, "start", "done")
            again = {vm_id: item for vm_id, item in waiting.items() if _retried(errors[vm_id])}
            if not again or attempt == MAX_WAVES:
                break
            deadline.pause(self._tools.jitter(1.0, 4.0) * attempt, f"another start on {node}")
            waiting = again
        for vm_id, error in errors.items():
            name = next(item.guest.name for item in wave if item.guest.vm_id == vm_id)
            self._tools.progress.say(name, "start", f"failed: {error}")
        return errors

    def reboot(self, guest: Guest, node: str, why: str, deadline: Deadline) -> None:
        """Shuts the guest down and starts it, so that pending values and cloud-init data take effect."""
        self._tools.progress.say(guest.name, f"reboot for {why}", "start")
        path = f"nodes/{node}/qemu/{guest.vm_id}/status/reboot"
        try:
            upid = self._tools.client.post(path, timeout=max(1, int(min(180, deadline.left()))))
            self._tools.watcher(node).wait(upid, deadline)
        except InfraError as error:
            self._tools.progress.say(guest.name, "reboot", f"failed: {error}")
            raise StepError(guest.label, "reboot", error) from error
        self._tools.progress.say(guest.name, "reboot", "done")

    def _start_wave(self, node: str, vm_ids: list[int], deadline: Deadline) -> None:
        """One call for all. Its own outcome only says that some failed; which ones, their own tasks say."""
        upid = self._tools.client.post(f"nodes/{node}/startall", vms=vm_ids, force=True)
        self._tools.watcher(node).wait_ended(upid, deadline)

    def _failed(self, node: str, waiting: dict[int, Startable], deadline: Deadline) -> dict[int, Exception]:
        watcher = self._tools.watcher(node)
        children = watcher.children("qmstart")
        errors: dict[int, Exception] = {}
        for vm_id, item in waiting.items():
            upid, exit_status = children.get(str(vm_id), ("", ""))
            if exit_status and (succeeded(exit_status) or reason_of(exit_status) is Reason.ALREADY_RUNNING):
                continue
            if exit_status:
                cause: Exception = TaskError(upid, exit_status, watcher.log(upid))
                errors[vm_id] = StepError(item.guest.label, "start", cause)
            elif not self._comes_up(item, deadline):
                text = f"is not running, and its node {node} shows no task that would say why"
                errors[vm_id] = StepError(item.guest.label, "start", InfraError(text))
        return errors

    def _comes_up(self, item: Startable, deadline: Deadline) -> bool:
        """Asks the guest itself, where no task speaks of it: now, or for a while under HA."""
        path = f"nodes/{item.node}/qemu/{item.guest.vm_id}/status/current"
        while self._tools.client.get(path).get("status") != "running":
            if not item.ha_managed or deadline.left() <= 0:
                return False
            deadline.pause(STATUS_SECONDS, f"the HA manager to start {item.guest.label}")
        return True


def _retried(error: Exception) -> bool:
    return isinstance(error, StepError) and worth_another_try(error.cause)
