# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for tasks of one node with one request for all of them, whoever asks.

The node's task list is not a protected call: the proxy answers it itself, and a token sees its own tasks without any
further right. Each thread that waits for a task takes its turn in asking; the others wait for what it finds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock, Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._errors import DeadlineError, InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError, TaskError, log_text

FASTEST = 0.5
SLOWEST = 2.0
LIST_LIMIT = 500
LOG_LINES = 8
# The host's clock may be behind ours; the list is asked from a little earlier.
CLOCK_SKEW = 60
# A task that the list has not shown in that many rounds is asked for by its own id.
ROUNDS_UNSEEN = 3
# Somebody looks at a guest in the web interface: such a task lasts as long as its window is open, and changes nothing.
CONSOLES = ("vncproxy", "vncshell", "spiceproxy", "spiceshell", "termproxy")


def succeeded(exit_status: str) -> bool:
    """``OK``, or ``WARNINGS: n``."""
    return exit_status == "OK" or exit_status.startswith("WARNINGS")


def task_type(upid: str) -> str:
    """``qmclone`` of ``UPID:node:pid:pstart:start:qmclone:id:user:``."""
    return upid.split(":")[5]


def at_work(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a task list that still run and are no open console."""
    return [dict(row) for row in rows if not _exit_status(row) and row.get("type") not in CONSOLES]


class TaskWatcher:
    """Tasks of one node since the watcher was made."""

    def __init__(self, client: ProxmoxClient, node: str, clock: Clock) -> None:
        self._client = client
        self._node = node
        self._clock = clock
        self._since = int(clock.now()) - CLOCK_SKEW
        self._ended: dict[str, str] = {}
        self._waited: dict[str, int] = {}
        self._rows: list[dict[str, Any]] = []
        self._asking = False
        self._interval = FASTEST
        self._condition = threading.Condition()

    def wait(self, upid: str, deadline: Deadline) -> None:
        """Returns when the task ended well. Raises TaskError or DeadlineError, both with its last log lines."""
        try:
            self.wait_ended(upid, deadline)
        except DeadlineError as error:
            raise DeadlineError(f"{error}{log_text(self.log(upid))}") from error
        except InfraError as error:
            error.args = (f"{error}. Task {upid} was under way and may go on",)
            raise
        exit_status = self._ended[upid]
        if not succeeded(exit_status):
            raise TaskError(upid, exit_status, self.log(upid))

    def wait_ended(self, upid: str, deadline: Deadline) -> str:
        """Returns the task's exit status once it has ended, good or bad."""
        with self._condition:
            self._waited.setdefault(upid, 0)
            self._interval = min(self._interval, 1.0)
        while True:
            with self._condition:
                if upid in self._ended:
                    return self._ended[upid]
                deadline.check(f"task {upid}")
                if self._asking:
                    self._condition.wait(timeout=SLOWEST)
                    continue
                self._asking = True
            try:
                self._clock.sleep(min(self._interval, max(deadline.left(), 0.01)))
                self._ask()
            finally:
                with self._condition:
                    self._asking = False
                    self._condition.notify_all()

    def running(self, deadline: Deadline) -> list[dict[str, Any]]:
        """Rows of the tasks that run now, asked anew; open consoles are none."""
        deadline.check(f"the task list of {self._node}")
        rows = self._client.get(f"nodes/{self._node}/tasks", source="active", limit=LIST_LIMIT)
        return at_work(rows)

    def children(self, kind: str) -> dict[str, tuple[str, str]]:
        """Newest ended tasks of a kind that the list has shown: ``{id: (upid, exit status)}``."""
        with self._condition:
            rows = [row for row in self._rows if row.get("type") == kind and _exit_status(row)]
        rows.sort(key=lambda row: int(row.get("starttime") or 0))
        return {str(row.get("id")): (str(row["upid"]), _exit_status(row)) for row in rows}

    def log(self, upid: str) -> list[str]:
        """The last lines of a task's log; empty when it cannot be read."""
        try:
            status = self._client.get(f"nodes/{self._node}/tasks/{upid}/log", start=0, limit=LIST_LIMIT)
        except InfraError:
            return []
        return [str(line.get("t", "")) for line in status][-LOG_LINES:]

    def _ask(self) -> None:
        rows = self._client.get(f"nodes/{self._node}/tasks", source="all", since=self._since, limit=LIST_LIMIT)
        shown = {str(row["upid"]): _exit_status(row) for row in rows}
        with self._condition:
            self._rows = list(rows)
            open_tasks = [upid for upid in self._waited if upid not in self._ended]
        unseen: list[str] = []
        news = False
        for upid in open_tasks:
            if shown.get(upid):
                self._end(upid, shown[upid])
                news = True
            elif upid not in shown:
                self._waited[upid] += 1
                if self._waited[upid] >= ROUNDS_UNSEEN:
                    unseen.append(upid)
        for upid in unseen:
            news = self._ask_one(upid) or news
        self._interval = 1.0 if news else min(self._interval * 1.4, SLOWEST)

    def _ask_one(self, upid: str) -> bool:
        """A task that is not in the list (too many others, or just started)."""
        self._waited[upid] = 0
        try:
            status = self._client.get(f"nodes/{self._node}/tasks/{upid}/status")
        except ApiError as error:
            if error.status == 400:  # not yet known
                return False
            raise
        if status.get("status") != "stopped":
            return False
        self._end(upid, str(status.get("exitstatus") or "unexpected status"))
        return True

    def _end(self, upid: str, exit_status: str) -> None:
        with self._condition:
            self._ended[upid] = exit_status


def _exit_status(row: Mapping[str, Any]) -> str:
    """Exit status of a row of the list, empty while the task runs."""
    status = str(row.get("status") or "")
    if status == "RUNNING" or (not status and not row.get("endtime")):
        return ""
    return status or "unexpected status"
