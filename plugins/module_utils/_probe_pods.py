# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that do nothing, one per node, for looking at the pods' network: what to make, and making and removing it.

The checks enter the pods' network namespaces from the nodes; so the pods need no program, and their image is the one
that every node has for its sandboxes. Everything lies in a namespace of its own, and ends by itself after a while.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_api import KubeApi

LABELS = {"app.kubernetes.io/managed-by": "detectviz.infra", "app.kubernetes.io/component": "acceptance"}
ROLE = "detectviz.infra/role"
EACH, GUARDED, DENIED = "each", "guarded", "denied"
"""Roles of pods: one on every node, one behind a NetworkPolicy, and one that the policy does not let in."""
PREFIX = "detectviz-acceptance-"
"""Beginning of the namespace's name; the API gives the rest, so that two runs never meet."""
SERVICE = "probe"
"""Name of the Service, and of the account that the pods run as."""
PORT = 7777
LIFETIME = 1800
"""Seconds after which Kubernetes ends the pods, should nobody remove them."""
POLL = 0.5


def probe_objects(namespace: str, nodes: Sequence[str], image: str) -> list[tuple[str, dict[str, Any]]]:
    """(path of the list, object) of everything in the namespace, in the order in which it is made."""
    base = f"/api/v1/namespaces/{namespace}"
    made: list[tuple[str, dict[str, Any]]] = []
    made.append((f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies", _policy()))
    # An account of its own, as the namespace's default one comes some moments after the namespace.
    made.append((f"{base}/serviceaccounts", _account()))
    made.append((f"{base}/services", _service()))
    made += [(f"{base}/pods", _pod(f"probe-{node}", EACH, node, image)) for node in nodes]
    # The guarded pod and its denied visitor are on different nodes where there are two.
    made.append((f"{base}/pods", _pod(GUARDED, GUARDED, nodes[-1], image)))
    made.append((f"{base}/pods", _pod(DENIED, DENIED, nodes[0], image)))
    return made


def _account() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": SERVICE, "labels": LABELS},
        "automountServiceAccountToken": False,
    }


def _policy() -> dict[str, Any]:
    """Only pods of the role EACH may reach the guarded one."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "guard", "labels": LABELS},
        "spec": {
            "podSelector": {"matchLabels": {ROLE: GUARDED}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {"matchLabels": {ROLE: EACH}}}]}],
        },
    }


def _service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "labels": LABELS},
        "spec": {
            "selector": {ROLE: EACH},
            "ipFamilyPolicy": "PreferDualStack",
            "ports": [{"name": "echo", "port": PORT, "targetPort": PORT, "protocol": "TCP"}],
        },
    }


def _pod(name: str, role: str, node: str, image: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {**LABELS, ROLE: role}},
        "spec": {
            "nodeName": node,
            "activeDeadlineSeconds": LIFETIME,
            "serviceAccountName": SERVICE,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "tolerations": [{"operator": "Exists"}],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65535,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "nothing",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }


def make_probe(api: KubeApi, nodes: Sequence[str], image: str, deadline: Deadline) -> dict[str, Any]:
    """Makes a namespace with everything and waits until the pods run. Pods that do not are told with their ``reason``.

    Returns namespace, image, port, service (addresses) and pods [{name, role, node, uid, addresses, reason}]. When
    something cannot be made, what was made is removed before the error is raised.
    """
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": PREFIX, "labels": LABELS}}
    namespace = api.create("/api/v1/namespaces", body)["metadata"]["name"]
    try:
        for path, item in probe_objects(namespace, nodes, image):
            api.create(path, item)
        pods = _wait(api, namespace, deadline)
        service = api.get(f"/api/v1/namespaces/{namespace}/services/{SERVICE}")["spec"]
    except InfraError:
        _delete(api, namespace)
        raise
    return {
        "namespace": namespace,
        "image": image,
        "port": PORT,
        "service": {"name": SERVICE, "addresses": service.get("clusterIPs") or [service["clusterIP"]]},
        "pods": pods,
    }


def _wait(api: KubeApi, namespace: str, deadline: Deadline) -> list[dict[str, Any]]:
    while True:
        pods = [_seen(pod) for pod in api.items(f"/api/v1/namespaces/{namespace}/pods")]
        if not any(pod["reason"] for pod in pods) or deadline.left() <= 0:
            return pods
        deadline.clock.sleep(POLL)


def _seen(pod: dict[str, Any]) -> dict[str, Any]:
    status, metadata = pod.get("status") or {}, pod["metadata"]
    running = status.get("phase") == "Running"
    states = [item.get("state") or {} for item in status.get("containerStatuses") or []]
    waiting = next((state["waiting"] for state in states if state.get("waiting")), {})
    why = waiting.get("message") or waiting.get("reason") or status.get("message") or f"it is {status.get('phase')}"
    return {
        "name": metadata["name"],
        "role": metadata["labels"][ROLE],
        "node": pod["spec"]["nodeName"],
        "uid": metadata["uid"],
        "addresses": [item["ip"] for item in status.get("podIPs") or []] if running else [],
        "reason": "" if running else str(why),
    }


def remove_probe(api: KubeApi, namespace: str, deadline: Deadline) -> bool:
    """Removes the namespace with all that is in it, and waits until it is gone. Whether there was one.

    Raises InfraError if the namespace is not one of ours, or does not go in time.
    """
    path = f"/api/v1/namespaces/{namespace}"
    found = api.find(path)
    if found is None:
        return False
    if not _is_ours(found):
        raise InfraError(f"Namespace {namespace} is not of these checks, as its labels say: it is left alone")
    _delete(api, namespace)
    while api.find(path) is not None:
        deadline.pause(POLL, f"namespace {namespace} to be gone (kubectl get namespace {namespace} -o yaml tells why)")
    return True


def remove_leftovers(api: KubeApi, now: datetime.datetime) -> list[str]:
    """Removes, without waiting, namespaces that ended runs have left: those whose pods have ended by themselves."""
    selector = ",".join(f"{key}={value}" for key, value in LABELS.items())
    left = []
    for found in api.items("/api/v1/namespaces", labelSelector=selector):
        made = datetime.datetime.fromisoformat(found["metadata"]["creationTimestamp"].replace("Z", "+00:00"))
        if (now - made).total_seconds() > LIFETIME:
            left.append(found["metadata"]["name"])
            _delete(api, left[-1])
    return left


def _is_ours(namespace: Mapping[str, Any]) -> bool:
    labels = namespace["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in LABELS.items())


def _delete(api: KubeApi, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}"
    for pod in api.items(f"{path}/pods"):
        api.delete(f"{path}/pods/{pod['metadata']['name']}", gracePeriodSeconds="0")
    api.delete(path)
