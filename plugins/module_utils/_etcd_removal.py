# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A member taken out of etcd, asked of another one, if the majority stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_members import member_at, removal_problem
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import (
    ETCD_CLIENT,
    ETCD_PORT,
    listed_members,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import (
    ApiRefused,
    ApiUnreachable,
    Credentials,
    HttpsJson,
)

T = TypeVar("T")

TRIES = 6
"""Each try has HttpsJson's own limit of seconds; another leader is elected well within all of them."""
UNAVAILABLE = 503
"""etcd has no leader at this moment, or has just got another."""
PAUSE = 1.0


def remove_member(
    asked: str, address: str, port: int = ETCD_PORT, credentials: Credentials = ETCD_CLIENT, check: bool = False
) -> tuple[bool, list[str]]:
    """Removes the member at ``address``, asked of the member at ``asked``; whether there is one, and who stays.

    Raises InfraError if the majority would not stay. ``check``: looks, and removes nothing.
    """
    etcd = HttpsJson(asked, port, credentials)
    # What it knows by itself is to be had without a majority too, and tells who is missing.
    members = listed_members(etcd, agreed=False)
    if member_at(members, address) is None:  # it may not have heard of it yet
        members = decided(lambda: listed_members(etcd))
    target = member_at(members, address)
    if target is None:
        return False, [item["address"] for item in members]
    healthy = {item["address"] for item in members if answers(item["address"], port, credentials)}
    problem = removal_problem(members, healthy, address)
    if problem:
        raise InfraError(problem)
    if not check:
        decided(lambda: take_out(etcd, target["id"]))
    return True, [item["address"] for item in members if item is not target]


def answers(address: str, port: int, credentials: Credentials) -> bool:
    """Whether a member answers for itself, whatever the others do."""
    try:
        health = HttpsJson(address, port, credentials).get("/health?serializable=true")
        return isinstance(health, dict) and health.get("health") == "true"
    except InfraError:
        return False


def take_out(etcd: HttpsJson, member_id: str) -> None:
    if any(item["id"] == member_id for item in listed_members(etcd)):
        etcd.post("/v3/cluster/member/remove", {"ID": member_id})


def decided(ask: Callable[[], T]) -> T:
    """Asks again while another leader is elected: what was on its way to one that died gets no answer, ever."""
    clock = SystemClock()
    for _attempt in range(TRIES - 1):
        try:
            return ask()
        except ApiUnreachable:
            continue
        except ApiRefused as error:
            if error.status != UNAVAILABLE:
                raise
        clock.sleep(PAUSE)
    return ask()
