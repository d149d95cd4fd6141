# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of host preparation that work on a host: what they need, and what they have changed or would change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

RESULTS = {
    "bridges": "host_bridges_result",
    "dns": "host_dns_result",
    "sysctls": "host_sysctls_result",
    "snippets": "host_snippets_result",
}
"""Part of ``host_preparation`` -> variable in which its role leaves its result."""


def prepares_over_ssh(preparation: Mapping[str, Any] | None, bridges_rollback: bool = True) -> bool:
    """Whether the parts that the site asks for need more than the API, so that the hosts' keys must be known.

    A change of bridges does where the host shall take it back by itself.
    """
    needing = [part for part in RESULTS if part != "bridges" or bridges_rollback]
    return any((preparation or {}).get(part) for part in needing)


def host_part_steps(
    hosts: Iterable[str], hostvars: Mapping[str, Any], preparation: Mapping[str, Any] | None
) -> dict[str, list[str]]:
    """``{"steps": lines, "unseen": lines}`` of the parts that the site asks for.

    ``steps`` name host and change; ``unseen`` name host and part where the role has left no result, because the host
    could not be reached or the role failed.
    """
    asked = {part: result for part, result in RESULTS.items() if (preparation or {}).get(part)}
    steps: list[str] = []
    unseen: list[str] = []
    for host in hosts:
        for part, variable in asked.items():
            result = hostvars[host].get(variable)
            if result is None:
                unseen.append(f"{host}: {part}")
            else:
                steps += [f"{host}: {change}" for change in result["changes"]]
    return {"steps": steps, "unseen": unseen}
