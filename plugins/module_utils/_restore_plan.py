# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a backup is brought back to all masters, decided from what they say before anything is stopped. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._cluster_plan import INIT, Observation, leftovers


def restore_plan(nodes: Mapping[str, Observation], masters: Sequence[str], ca: str) -> dict[str, Any]:
    """``nodes``: what ``kubeadm_node`` observed, by name. ``ca``: SHA-256 of the backup's CA.

    Returns identity (whether the CAs and keys come back too, as no master has a cluster, or an earlier run has begun just
    that) and problems.
    """
    first, others = masters[0], list(masters[1:])
    blank = [name for name in masters if not leftovers(nodes[name])]
    begun = nodes[first]["unfinished"] == INIT and nodes[first]["ca"] == ca
    if len(blank) == len(masters) or (begun and blank == others):
        return {"identity": True, "problems": []}
    foreign = [name for name in masters if name not in blank and nodes[name]["ca"] != ca]
    problems = []
    if foreign:
        problems.append(
            f"The backup is of another cluster than that on {', '.join(foreign)} (its CA differs): name a backup of this one, "
            "or make all masters anew"
        )
    elif blank == others and nodes[first]["view"].get("nodes") is not None:
        problems.append(
            f"A cluster runs on {first}, and {', '.join(blank)} {'has' if len(blank) == 1 else 'have'} nothing of one. Where this "
            "ends a restore, playbooks/p2_kubernetes.yml makes it whole; to bring a backup back on it, take the blank ones out "
            "of the table first"
        )
    elif blank:
        problems.append(
            f"{', '.join(blank)} {'has' if len(blank) == 1 else 'have'} nothing of a cluster, the other masters have. Bring etcd "
            "back on those first, with the blank ones out of the table; or make all masters anew"
        )
    return {"identity": False, "problems": problems}
