# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A member taken out of etcd, asked of another one, if the majority stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_members import (
    Member,
    member_at,
    removal_problem,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import (
    ETCD_CLIENT,
    ETCD_PORT,
    listed_members,
    own_view,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import (
    ApiRefused,
    ApiUnreachable,
    Credentials,
    HttpsJson,
)
from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import plain_name

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
    etcd, address = HttpsJson(asked, port, credentials), plain_name(address)
    # What it knows by itself is to be had without a majority too, and tells who is missing.
    own = own_view(etcd)
    members = own["members"]
    if member_at(members, address) is None:  # it may not have heard of it yet
        members = decided(lambda: listed_members(etcd))
    target = member_at(members, address)
    if target is None:
        return False, [item["address"] for item in members]
    views = {item["address"]: healthy_view(item["address"], port, credentials) for item in members}
    healthy = {item["address"] for item in members if is_of_cluster(views[item["address"]], item, own)}
    problem = removal_problem(members, healthy, address)
    if problem:
        strange = ", ".join(item for item, view in views.items() if view is not None and item not in healthy)
        raise InfraError(f"{problem}. What answers at {strange} is of another cluster, and not counted" if strange else problem)
    if not check:
        decided(lambda: take_out(etcd, target["id"]))
    return True, [item["address"] for item in members if item is not target]


def healthy_view(address: str, port: int, credentials: Credentials) -> dict[str, Any] | None:
    """What a healthy member says by itself, whatever the others do; None where none answers."""
    try:
        etcd = HttpsJson(address, port, credentials)
        health = etcd.get("/health?serializable=true")
        return own_view(etcd) if isinstance(health, dict) and health.get("health") == "true" else None
    except InfraError:
        return None


def is_of_cluster(view: dict[str, Any] | None, member: Member, own: dict[str, Any]) -> bool:
    """Whether what answers at the address of a member is that member, in the cluster of the one whose view is ``own``.

    One that lost its data may have begun a cluster of its own. On kubeadm's first master that one gets the ids of the old one
    again, and only the members that it knows tell them apart.
    """
    return (
        view is not None
        and (view["cluster"], view["id"]) == (own["cluster"], member["id"])
        and any(item["id"] == own["id"] for item in view["members"])
    )


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
