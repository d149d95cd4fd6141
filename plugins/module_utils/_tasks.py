# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task, waited for: for modules that do one thing after the other."""

from __future__ import annotations

from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock, Deadline, SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._task_watcher import TaskWatcher


def finish(client: ProxmoxClient, answer: Any, timeout: int, of: str, clock: Clock | None = None) -> None:
    """Wait for the task that a write answered with; an answer without a task is done already.

    ``timeout`` is in seconds, ``of`` names what is waited for. Raises TaskError or DeadlineError.
    """
    if not str(answer or "").startswith("UPID:"):
        return
    clock = clock or SystemClock()
    node = str(answer).split(":")[1]
    TaskWatcher(client, node, clock).wait(str(answer), Deadline.after(clock, timeout, of))
