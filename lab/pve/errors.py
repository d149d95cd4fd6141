"""Errors that become answers: HTTP errors of a handler, and the end of a task."""

from __future__ import annotations


class ApiError(Exception):
    """An HTTP error as Proxmox VE sends it.

    `text` may have several lines; the first becomes the reason phrase, all of it `message`.
    `errors` maps parameter names to texts (status 400).
    """

    def __init__(self, status: int, text: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.errors = errors


class ParameterError(ApiError):
    """400 with one text per parameter."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(400, "Parameter verification failed.", errors)


class TaskError(Exception):
    """The text a worker dies with: `TASK ERROR: <text>`, and the task's exit status."""


class LockTimeout(ApiError):
    """A lock was not had in time. In a handler it is a 500, in a worker the task's error."""

    def __init__(self, text: str) -> None:
        super().__init__(500, text)


def died(text: str) -> ApiError:
    """What Perl's `die` becomes in a handler: status 500 with that text."""
    return ApiError(500, text)
