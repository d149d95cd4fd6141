# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VIP still misses: the holder, this very static pod, a ready container."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._kube_vip_missing import kube_vip_missing

CONTAINER = {
    "image": "ghcr.io/kube-vip/kube-vip:v1.2.3",
    "env": [{"name": "address", "value": "192.0.2.10"}, {"name": "empty"}, {"name": "node", "valueFrom": {}}],
}
VOLUME = {"hostPath": {"path": "/etc/kubernetes/admin.conf", "type": "File"}, "name": "kubeconfig"}
MANIFEST: dict[str, Any] = {"spec": {"containers": [CONTAINER], "volumes": [VOLUME]}}


def answer(holder: str = "node-1", ready: bool = True, path: str = "/etc/kubernetes/admin.conf") -> str:
    """As the API shows it: with defaults of its own, and the token volumes that a static pod never has."""
    spec = {
        "containers": [{**CONTAINER, "terminationMessagePath": "/dev/termination-log"}],
        "volumes": [{"hostPath": {"path": path, "type": "File"}, "name": "kubeconfig"}],
        "nodeName": "node-1",
    }
    state = {"ready": ready, "state": {"running": {}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}}
    lease = {"kind": "Lease", "spec": {"holderIdentity": holder}}
    pod = {"kind": "Pod", "spec": spec, "status": {"containerStatuses": [state]}}
    return json.dumps({"kind": "List", "items": [lease, pod]})


def test_nothing_is_missing() -> None:
    assert kube_vip_missing(answer(), MANIFEST) == []


def test_a_lease_without_holder() -> None:
    """F2: then nobody has the address."""
    assert kube_vip_missing(answer(holder=""), MANIFEST) == ["its lease has no holder"]


def test_the_former_pod_is_still_shown() -> None:
    told = kube_vip_missing(answer(path="/etc/kubernetes/super-admin.conf"), MANIFEST)
    assert told == ["the kubelet has not taken the manifest as it is now"]


def test_the_container_is_not_ready() -> None:
    assert kube_vip_missing(answer(ready=False), MANIFEST) == ["the container is not ready (CrashLoopBackOff)"]


def test_no_answer_and_no_pod() -> None:
    for text in ("", "null", "no json"):
        assert kube_vip_missing(text, MANIFEST) == ["the API does not answer through the VIP"]
    assert kube_vip_missing('{"items": []}', MANIFEST)[-1] == "the kubelet shows no static pod of kube-vip"
