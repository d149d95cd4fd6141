"""Which request or task is at work now, so that locks and faults need not be told."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Origin:
    """The request something is done for; in a worker also the task (`task_type`, `upid`)."""

    method: str
    path: str
    template: str
    node: str | None = None
    vmid: int | None = None
    identity: str | None = None
    task_type: str | None = None
    upid: str | None = None


ORIGIN: ContextVar[Origin | None] = ContextVar("origin", default=None)
