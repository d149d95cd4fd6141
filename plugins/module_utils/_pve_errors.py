# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of the Proxmox API and what can be done about them.

Decisions are made on the HTTP status. Proxmox answers 500 for nearly every failure of a handler, and a failed task has
nothing but a text; so the few 500s that deserve another try are told apart by text, here and nowhere else.
"""

from __future__ import annotations

import enum
import re

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError


class Reason(enum.Enum):
    """Why a handler or a task failed, as far as it changes what to do next."""

    LOCK_TIMEOUT = "lock timeout"  # somebody holds the lock: try again later
    ID_TAKEN = "id taken"  # the guest exists: look whose it is
    CHANGED = "changed meanwhile"  # digest mismatch: read again
    NOT_YET = "not there yet"  # a volume that the storage shows late
    MISSING = "missing"
    ALREADY_RUNNING = "already running"
    NOT_RUNNING = "not running"
    AGENT_DOWN = "agent down"
    KILLED = "task killed"
    OTHER = "other"


_TEXTS: list[tuple[str, Reason]] = [
    (r"got (lock request )?timeout", Reason.LOCK_TIMEOUT),
    (r"can't lock file", Reason.LOCK_TIMEOUT),
    (r"got no worker upid", Reason.LOCK_TIMEOUT),
    (r"VM is locked", Reason.LOCK_TIMEOUT),
    (r"config file already exists|VM \d+ already exists|failed: File exists", Reason.ID_TAKEN),
    (r"checksum mismatch", Reason.CHANGED),
    (r"volume '.*' does not exist", Reason.NOT_YET),
    (r"Configuration file '.*' does not exist|no such (VM|task)", Reason.MISSING),
    (r"already running", Reason.ALREADY_RUNNING),
    (r"guest agent|Agent error", Reason.AGENT_DOWN),
    (r"not running", Reason.NOT_RUNNING),
    (r"unexpected status", Reason.KILLED),
]


def reason_of(text: str) -> Reason:
    """Class of a 500 answer's text or of a task's exit status."""
    for pattern, reason in _TEXTS:
        if re.search(pattern, text):
            return reason
    return Reason.OTHER


class ApiError(InfraError):
    """The API answered with an error status.

    ``status`` is the HTTP status, ``text`` the full text of the server, ``parameters`` the texts per parameter (400).
    """

    def __init__(
        self, method: str, path: str, status: int, text: str, parameters: dict[str, str] | None = None
    ) -> None:
        self.method = method
        self.path = path
        self.status = status
        self.text = text
        self.parameters = dict(parameters or {})
        details = "".join(f"; {name}: {problem.strip()}" for name, problem in sorted(self.parameters.items()))
        super().__init__(f"{method} /{path} answered {status}: {text.strip()}{details}{_way_out(status)}")

    @property
    def reason(self) -> Reason:
        """Why it failed, for the statuses that a handler chooses."""
        return reason_of(self.text) if self.status == 500 else Reason.OTHER


def _way_out(status: int) -> str:
    if status == 401:
        return (
            ". Check api_user, api_token_id and api_token_secret (or api_password), from the environment PROXMOX_USER, "
            "PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET (or PROXMOX_PASSWORD), and that the token has not expired"
        )
    if status == 403:
        return ". Grant the token AND its user the privilege on that path, or clear the token's privilege separation"
    return ""


class UnreachableError(InfraError):
    """The request was never sent: name, route, port or TLS. Safe to repeat."""


class UntrustedError(UnreachableError):
    """TLS: the host did not prove who it is. Never tried again."""


class UnknownOutcomeError(InfraError):
    """A write was sent and no answer came (timeout, reset, 595-599): it may have been done. Resolved by reading."""


def log_text(lines: list[str]) -> str:
    """The last lines of a task's log as the end of a message; nothing when there are none."""
    return "".join(["\n  last lines of its log:", *(f"\n    {line}" for line in lines)]) if lines else ""


class TaskError(InfraError):
    """A task on a node ended in failure.

    ``upid`` is the task, ``exit_status`` its last word, ``log`` its last lines.
    """

    def __init__(self, upid: str, exit_status: str, log: list[str] | None = None) -> None:
        self.upid = upid
        self.exit_status = exit_status
        self.log = list(log or [])
        super().__init__(f"task {upid} failed: {exit_status}{log_text(self.log)}")

    @property
    def reason(self) -> Reason:
        """Why it failed, read from the exit status."""
        return reason_of(self.exit_status)
