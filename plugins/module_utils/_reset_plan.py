# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether masters may be destroyed: a backup of etcd comes first, and what stays must have its majority. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._cluster_plan import Observation
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_members import best_view


def reset_plan(nodes: Mapping[str, Observation], masters: Sequence[str], doomed: Collection[str]) -> dict[str, Any]:
    """``nodes``: what ``kubeadm_node`` observed on those that were reached. ``masters``: in their order. ``doomed``: guests to go.

    Returns backup_from (the master that makes the backup, or None) and problems: what would be lost without another word.
    """
    going = [name for name in masters if name in doomed]
    if not going:
        return {"backup_from": None, "problems": []}
    teller = best_view(nodes, masters)
    if teller is None:
        data = [name for name in going if name in nodes and nodes[name]["etcd_data"]]
        unseen = [name for name in going if name not in nodes]
        problems = []
        if data:
            problems.append(
                f"etcd's data is on {', '.join(data)}, and no API server answers, so that a backup of it cannot be made: bring the "
                "cluster up first (journalctl -u kubelet there)"
            )
        if unseen:
            problems.append(
                f"{', '.join(unseen)} {'is' if len(unseen) == 1 else 'are'} not reached over SSH, so that nobody knows whether "
                "etcd's data is there, and no other master's API server answers: mend the way there, or start it"
            )
        return {"backup_from": None, "problems": problems}
    members = {item["address"] for item in nodes[teller]["view"]["members"]}
    staying = [name for name in masters if name not in going and name in nodes and nodes[name]["address"] in members]
    serving = [name for name in staying if nodes[name]["view"].get("nodes") is not None]
    problems = []
    if set(masters) - set(going) and len(serving) <= len(members) // 2:
        problems.append(
            f"etcd has {len(members)} members, and only {len(serving)} of them would stay and answer: the cluster would lose its "
            "majority. Take masters out one at a time with playbooks/remove_node.yml or replace_node.yml, or destroy all of them"
        )
    return {"backup_from": teller, "problems": problems}
