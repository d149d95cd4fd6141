# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a backup is brought back is decided before any master is stopped."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._restore_plan import restore_plan

MASTERS = ["m1", "m2", "m3"]
CA, OTHER = "a" * 64, "b" * 64


def node(ca: str | None = None, unfinished: str | None = None, answers: bool = False) -> dict[str, Any]:
    return {
        "ca": ca,
        "kubelet_configured": False,
        "etcd_data": False,
        "manifests": [],
        "unfinished": unfinished,
        "view": {"nodes": [], "members": []} if answers else {"error": "down"},
    }


def planned(*nodes: dict[str, Any]) -> dict[str, Any]:
    return restore_plan(dict(zip(MASTERS, nodes)), MASTERS, CA)


@pytest.mark.parametrize(
    "first",
    [node(), node(unfinished="init"), node(ca=CA, unfinished="init")],
    ids=["made anew", "a restore ended before it wrote anything", "a restore ended half-way"],
)
def test_masters_made_anew_get_the_identity_too_and_a_run_that_ended_is_gone_on_with(first: dict[str, Any]) -> None:
    assert planned(first, node(), node()) == {"identity": True, "problems": []}


def test_masters_of_the_backups_cluster_get_its_data() -> None:
    assert planned(*[node(ca=CA)] * 3) == {"identity": False, "problems": []}


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ([node(ca=CA), node(ca=OTHER), node(ca=OTHER)], "another cluster than that on m2, m3"),
        ([node(ca=OTHER, unfinished="init"), node(), node()], "another cluster than that on m1"),
        ([node(ca=CA), node(), node(ca=CA)], "m2 has nothing of a cluster"),
        ([node(), node(ca=CA), node(ca=CA)], "m1 has nothing of a cluster"),
        ([node(ca=CA), node(), node()], "m2, m3 have nothing of a cluster"),
        ([node(ca=CA, answers=True), node(), node()], "p2_kubernetes.yml makes it whole"),
    ],
)
def test_anything_else_is_refused_with_its_reason(nodes: list[dict[str, Any]], told: str) -> None:
    found = planned(*nodes)
    assert len(found["problems"]) == 1 and told in found["problems"][0]
    assert not found["identity"]
