# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd's members: which may be taken out without losing the majority, and which node the best view comes from. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

Member = Mapping[str, Any]
"""id, name, address, learner: as in ``_kubeadm_observe.members``."""


def majority(voters: int) -> int:
    return voters // 2 + 1


def member_at(members: Sequence[Member], address: str) -> Member | None:
    return next((member for member in members if member["address"] == address), None)


def removal_problem(members: Sequence[Member], healthy: Collection[str], address: str) -> str | None:
    """Why the member at ``address`` may not be removed; None if it may, or is none. ``healthy``: addresses that answer.

    Both must hold: the members that answer now can decide on the removal, and those that stay have a majority of their own.
    """
    target = member_at(members, address)
    if target is None:
        return None
    voters = [member["address"] for member in members if not member["learner"]]
    answering = [voter for voter in voters if voter in healthy]
    if len(answering) < majority(len(voters)):
        return (
            f"etcd has lost its majority: {len(answering)} of {len(voters)} members answer ({', '.join(answering) or 'none'}). "
            "Bring one back, or restore a backup with playbooks/restore.yml"
        )
    if target["learner"]:
        return None
    staying = [voter for voter in voters if voter != address]
    alive = [voter for voter in staying if voter in healthy]
    if not staying:
        return f"{target['name'] or address} is etcd's only member: removing it would end the cluster"
    if len(alive) < majority(len(staying)):
        return (
            f"Without {target['name'] or address}, {len(alive)} of {len(staying)} members of etcd would answer, and "
            f"{majority(len(staying))} are needed: bring {' or '.join(sorted(set(staying) - set(healthy)))} back first"
        )
    return None


def best_view(nodes: Mapping[str, Mapping[str, Any]], masters: Sequence[str]) -> str | None:
    """The master whose etcd is the cluster's: among those that answer the one that counts the most members, then nodes.

    A member that lost its data may have begun an empty cluster of its own; it counts itself alone.
    """
    views = {name: nodes[name]["view"] for name in masters if name in nodes and nodes[name]["view"].get("nodes") is not None}
    if not views:
        return None
    return max(views, key=lambda name: (len(views[name]["members"]), len(views[name]["nodes"]), -list(masters).index(name)))


def initial_cluster(members: Mapping[str, str]) -> str:
    """etcd's ``--initial-cluster`` for {name: address}."""
    return ",".join(f"{name}={peer_url(address)}" for name, address in members.items())


def peer_url(address: str) -> str:
    return f"https://[{address}]:2380" if ":" in address else f"https://{address}:2380"
