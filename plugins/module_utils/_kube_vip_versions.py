# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed between kube-vip's versions in the manifests that it prints, as data."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

Version = tuple[int, int, int]

_PATTERN = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.-]+)?")


class Layout(NamedTuple):
    """How one version writes a manifest."""

    node_name: bool  # the pod is told the name of its node
    pull_policy: str
    prefix_variable: str  # the variable that holds the VIP's prefix length
    prefixes: str  # what it holds if nobody says: always "32", one for "each" address, or the "distinct" ones
    empty_metrics: bool  # prometheus_server is written even if metrics are off
    drop_capabilities: bool  # the container gives up what it does not ask for
    dhcp_mode: str  # empty: not written
    lease: tuple[int, int, int]  # duration, renew deadline, retry period in seconds


OLDEST: Version = (0, 7, 1)
NEWEST: Version = (1, 2, 3)

_FIRST = Layout(
    node_name=False,
    pull_policy="Always",
    prefix_variable="vip_cidr",
    prefixes="32",
    empty_metrics=False,
    drop_capabilities=False,
    dhcp_mode="",
    lease=(5, 3, 1),
)

# The version that brought a change, and the change. Everything else stayed as it was in the version before.
CHANGES: tuple[tuple[Version, dict[str, object]], ...] = (
    ((0, 8, 0), {"node_name": True, "pull_policy": "IfNotPresent"}),
    ((0, 8, 1), {"prefixes": "each", "empty_metrics": True}),
    ((0, 8, 10), {"drop_capabilities": True}),
    ((0, 9, 0), {"prefix_variable": "vip_subnet"}),
    ((1, 0, 1), {"prefixes": "distinct"}),
    ((1, 0, 3), {"dhcp_mode": "ipv4"}),
    ((1, 1, 0), {"lease": (15, 10, 2)}),
)


def text_of(version: Version) -> str:
    """``(1, 2, 3)`` as ``v1.2.3``."""
    return "v" + ".".join(str(part) for part in version)


def parse_version(text: str) -> Version:
    """``v1.2.3``, ``1.2.3`` or ``v1.2.0-rc.0`` as numbers. Raises InfraError for anything else."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise InfraError(f"kube-vip version {text!r} is none: give one such as {text_of(NEWEST)}")
    return int(match[1]), int(match[2]), int(match[3])


def layout_of(version: Version) -> Layout:
    """The layout of a version. Raises InfraError for one that is older than all known ones.

    A version newer than ``NEWEST`` has the newest layout known: see ``warning_for``.
    """
    if version < OLDEST:
        raise InfraError(
            f"kube-vip {text_of(version)} is not supported: its manifests are known from {text_of(OLDEST)} on; "
            f"set a version from {text_of(OLDEST)} to {text_of(NEWEST)}"
        )
    layout = _FIRST
    for since, change in CHANGES:
        if version >= since:
            layout = layout._replace(**change)  # type: ignore[arg-type]
    return layout


def warning_for(version: Version) -> str | None:
    """What to tell the user about a version that did not exist when this table was written."""
    if version <= NEWEST:
        return None
    return (
        f"kube-vip {text_of(version)} is newer than {text_of(NEWEST)}, the newest version whose manifests are known "
        "here: the manifest is written as for that one. Compare it with what kube-vip manifest prints."
    )
