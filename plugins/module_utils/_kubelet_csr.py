# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of kubelets for serving certificates, compared with the node table. Pure.

Kubernetes signs such a request only after somebody has approved it, since a node could ask for another one's name. The
table knows every node's name and addresses, so the comparison is exact.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import plain_name

try:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
except ImportError:  # ansible-core brings it to every controller
    x509 = None  # type: ignore[assignment]
    UnsupportedAlgorithm = Exception  # type: ignore[assignment,misc]

SIGNER = "kubernetes.io/kubelet-serving"
USAGES = {"digital signature", "key encipherment", "server auth"}
USER_PREFIX = "system:node:"
BEFORE_NODE = datetime.timedelta(minutes=1)
"""A kubelet may ask shortly before its node object is there."""


def waiting(requests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Requests for serving certificates on which nobody has decided yet."""
    return [
        item
        for item in requests
        if item["spec"]["signerName"] == SIGNER and not (item.get("status") or {}).get("conditions")
    ]


def served(requests: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]]) -> set[str]:
    """Names of nodes for which a serving certificate has been issued. ``nodes``: node objects.

    Requests stay for an hour, so one that is older than the node is of a former machine of that name.
    """
    since = {item["metadata"]["name"]: _created(item) - BEFORE_NODE for item in nodes}
    return {
        node_of(item)
        for item in requests
        if item["spec"]["signerName"] == SIGNER
        and (item.get("status") or {}).get("certificate")
        and node_of(item) in since
        and _created(item) >= since[node_of(item)]
    }


def _created(item: Mapping[str, Any]) -> datetime.datetime:
    return datetime.datetime.strptime(item["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ")


def told(wrong: Mapping[str, tuple[str, Sequence[str]]]) -> list[str]:
    """Requests that are not approved, for people. ``wrong``: node and flaws by the request's name."""
    return [
        f"{node} asks for a serving certificate that is not approved ({request}): {'; '.join(found)}"
        for request, (node, found) in sorted(wrong.items())
    ]


def node_of(request: Mapping[str, Any]) -> str:
    """The node that asks, as the API server has authenticated it."""
    return str(request["spec"].get("username") or "").removeprefix(USER_PREFIX)


def flaws(request: Mapping[str, Any], addresses: Mapping[str, Sequence[str]]) -> list[str]:
    """Why a request may not be approved; empty if it is right. ``addresses``: those of each node of the table."""
    spec, name = request["spec"], node_of(request)
    found = []
    if not str(spec.get("username") or "").startswith(USER_PREFIX):
        found.append(f"{spec.get('username')} is no node")
    elif name not in addresses:
        found.append(f"{name} is not in the node table")
    if "system:nodes" not in (spec.get("groups") or []):
        found.append("the requester is not in the group system:nodes")
    if not set(spec.get("usages") or []) <= USAGES:
        found.append(f"it asks for the usages {', '.join(sorted(set(spec['usages']) - USAGES))}")
    try:
        asked = x509.load_pem_x509_csr(base64.b64decode(spec["request"]))
        return found + _content_flaws(asked, name, addresses.get(name, ()))
    except (ValueError, KeyError, UnsupportedAlgorithm) as error:
        return [*found, f"it cannot be read ({error})"]


def _content_flaws(asked: Any, name: str, addresses: Sequence[str]) -> list[str]:
    oid = x509.oid.NameOID
    found = []
    common = [item.value for item in asked.subject.get_attributes_for_oid(oid.COMMON_NAME)]
    groups = [item.value for item in asked.subject.get_attributes_for_oid(oid.ORGANIZATION_NAME)]
    if common != [USER_PREFIX + name] or groups != ["system:nodes"]:
        found.append(f"its subject is {asked.subject.rfc4514_string()}")
    if not asked.is_signature_valid:
        found.append("its signature is wrong")
    try:
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [*found, "it names no address"]
    for item in names:
        value = str(item.value)
        if isinstance(item, x509.DNSName):
            right = value == name
        else:
            right = isinstance(item, x509.IPAddress) and value in map(plain_name, addresses)
        if not right:
            found.append(f"it asks for {value}, which the node table does not give to {name}")
    return found


def approval(request: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The request with the approval that the API takes at its ``/approval``. ``now`` in RFC 3339."""
    condition = {
        "type": "Approved",
        "status": "True",
        "reason": "MatchesNodeTable",
        "message": "Name and addresses are those of the node table",
        "lastUpdateTime": now,
    }
    return {**request, "status": {"conditions": [condition]}}
