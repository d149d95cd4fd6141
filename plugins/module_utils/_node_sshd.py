# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the SSH server compared with those in effect. Pure."""

from __future__ import annotations

from collections.abc import Mapping

OLD_NAMES = {"prohibit-password": "without-password"}
"""``sshd -T`` tells some values under the name that they had before."""


def sshd_problems(wanted: Mapping[str, str], effective: Mapping[str, str]) -> list[str]:
    """One text for each option that is not in effect. Names and values are compared in lower case, as sshd does."""
    problems = []
    for name, value in wanted.items():
        text = str(value).lower()
        found = effective.get(name.lower())
        if found is None or found.lower() not in (text, OLD_NAMES.get(text, text)):
            problems.append(f"{name} is {found or 'unknown to this server'}, not {text}")
    return problems
