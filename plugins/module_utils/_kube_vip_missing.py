# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VIP still misses, told by the lease and by the pod that the kubelet shows to the API. Pure."""

from __future__ import annotations

import json
from typing import Any


def kube_vip_missing(answer: str, manifest: dict[str, Any]) -> list[str]:
    """``answer`` is a list of the lease and the pod as ``kubectl get --output=json`` prints it; may be empty.

    ``manifest`` is the static pod as it was written. An empty list: the lease has a holder, and the container of this
    very manifest is ready.
    """
    try:
        items = json.loads(answer).get("items") or []
    except (ValueError, AttributeError):
        return ["the API does not answer through the VIP"]
    by_kind = {item.get("kind"): item for item in items}
    missing = []
    if not (by_kind.get("Lease", {}).get("spec") or {}).get("holderIdentity"):
        missing.append("its lease has no holder")
    pod = by_kind.get("Pod")
    if pod is None:
        return [*missing, "the kubelet shows no static pod of kube-vip"]
    if _identity(pod) != _identity(manifest):
        missing.append("the kubelet has not taken the manifest as it is now")
    states = (pod.get("status") or {}).get("containerStatuses") or []
    if not states or not all(state.get("ready") for state in states):
        missing.append(f"the container is not ready{_reason(states)}")
    return missing


def _identity(pod: dict[str, Any]) -> tuple[Any, ...]:
    """What tells one static pod from another, without what the API adds by itself."""
    container = pod["spec"]["containers"][0]
    environment = {item["name"]: item.get("value") or "" for item in container.get("env") or []}
    paths = sorted((volume.get("hostPath") or {}).get("path", "") for volume in pod["spec"].get("volumes") or [])
    return container.get("image"), environment, paths


def _reason(states: list[dict[str, Any]]) -> str:
    reasons = [value.get("reason") for state in states for value in (state.get("state") or {}).values()]
    named = ", ".join(reason for reason in reasons if reason)
    return f" ({named})" if named else ""
