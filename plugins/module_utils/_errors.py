# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors that module_utils raise; only ``main()`` of a module turns one into a failure."""

from __future__ import annotations


class InfraError(Exception):
    """What was tried, on what, what came back, and the way out: one readable text."""


class ProblemsError(InfraError):
    """Several problems found in one step, reported together.

    ``problems`` is the list of texts; ``str()`` prints a heading and one line per problem.
    """

    def __init__(self, heading: str, problems: list[str]) -> None:
        self.heading = heading
        self.problems = list(problems)
        super().__init__("\n".join([heading] + [f"  - {problem}" for problem in self.problems]))


class DeadlineError(InfraError):
    """A guest, or the run, was given all the time it was allowed."""


class LockedError(InfraError):
    """Another run works on the same site, or Proxmox holds a lock on a guest that we may not break."""
