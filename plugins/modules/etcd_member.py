#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that takes a member out of etcd without losing the majority."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_member
author: The detectviz.infra authors (@detectviz)
short_description: Remove a member of etcd, if the majority stays
version_added: 0.1.0
description:
  - Removes the member at an address from etcd, asked of another member.
  - Refuses if fewer than a majority of the members answer now, or if those that stay would have no majority of their own,
    and says which have to come back first.
attributes:
  check_mode:
    description: Makes the same checks, and removes nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: Nothing is done where there is no such member.
    support: full
options:
  address:
    description: Address of a member that stays; the module asks there.
    type: str
    required: true
  member:
    description: Address of the member to remove.
    type: str
    required: true
  port:
    description: Port at which members answer clients.
    type: int
    default: 2379
  ca_cert:
    description: CA of etcd's certificates.
    type: path
    default: /etc/kubernetes/pki/etcd/ca.crt
  client_cert:
    description: Client certificate.
    type: path
    default: /etc/kubernetes/pki/apiserver-etcd-client.crt
  client_key:
    description: Its key.
    type: path
    default: /etc/kubernetes/pki/apiserver-etcd-client.key
"""

EXAMPLES = r"""
- name: The dead member is no longer counted
  detectviz.infra.etcd_member:
    address: 192.0.2.12
    member: 192.0.2.11
"""

RETURN = r"""
members:
  description: Addresses of the members afterwards.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_members import member_at, removal_problem
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import peer_address
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import (
    ApiUnreachable,
    Credentials,
    HttpsJson,
)

T = TypeVar("T")

ARGUMENT_SPEC = {
    "address": {"type": "str", "required": True},
    "member": {"type": "str", "required": True},
    "port": {"type": "int", "default": 2379},
    "ca_cert": {"type": "path", "default": "/etc/kubernetes/pki/etcd/ca.crt"},
    "client_cert": {"type": "path", "default": "/etc/kubernetes/pki/apiserver-etcd-client.crt"},
    "client_key": {"type": "path", "default": "/etc/kubernetes/pki/apiserver-etcd-client.key", "no_log": False},
}

# Each try has HttpsJson's own limit of seconds; another leader is elected well within all of them.
TRIES = 6


def answers(address: str, port: int, credentials: Credentials) -> bool:
    """Whether a member answers for itself, whatever the others do."""
    try:
        health = HttpsJson(address, port, credentials).get("/health?serializable=true")
        return isinstance(health, dict) and health.get("health") == "true"
    except InfraError:
        return False


def listed(etcd: HttpsJson) -> list[dict[str, Any]]:
    return [
        {
            "id": item["ID"],
            "name": item.get("name") or "",
            "address": peer_address((item.get("peerURLs") or [""])[0]),
            "learner": bool(item.get("isLearner")),
        }
        for item in etcd.post("/v3/cluster/member/list", {}).get("members") or []
    ]


def take_out(etcd: HttpsJson, member_id: str) -> None:
    if any(item["id"] == member_id for item in listed(etcd)):
        etcd.post("/v3/cluster/member/remove", {"ID": member_id})


def decided(ask: Callable[[], T]) -> T:
    """What was on its way to a leader that died gets no answer, ever: then it is asked for again."""
    for _attempt in range(TRIES - 1):
        try:
            return ask()
        except ApiUnreachable:
            continue
    return ask()


def remove(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    credentials = Credentials(params["ca_cert"], params["client_cert"], params["client_key"])
    etcd = HttpsJson(params["address"], params["port"], credentials)
    members = decided(lambda: listed(etcd))
    healthy = {item["address"] for item in members if answers(item["address"], params["port"], credentials)}
    problem = removal_problem(members, healthy, params["member"])
    if problem:
        raise InfraError(problem)
    target = member_at(members, params["member"])
    if target is not None and not module.check_mode:
        decided(lambda: take_out(etcd, target["id"]))
    stay = [item["address"] for item in members if item is not target]
    return {"changed": target is not None, "members": stay}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        module.exit_json(**remove(module))
    except InfraError as error:
        module.fail_json(msg=f"The member {module.params['member']} stays in etcd: {error}")


if __name__ == "__main__":
    main()
