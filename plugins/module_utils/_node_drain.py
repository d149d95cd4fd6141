# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining a node: which pods have to go, asking for their eviction until a limit, and giving the node back.

An eviction is refused while a PodDisruptionBudget forbids it, and is asked for again: the budget frees itself when the
pod's replacement is ready elsewhere. Only a node that we have taken out of use is given back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import (
    ApiRefused,
    ApiUnreachable,
    HttpsJson,
)

OURS = "detectviz.infra/out-of-use"
"""Annotation of a node that we have taken out of use."""
POLL = 1.0
FINISHED = ("Succeeded", "Failed")
MIRROR = "kubernetes.io/config.mirror"

Pod = Mapping[str, Any]


def pods_to_move(pods: Sequence[Pod]) -> list[dict[str, Any]]:
    """The pods that a drain moves: all but those of the node itself. Pure.

    Each with its ``namespace``, ``name``, ``uid``, and whether it is ``bare``: lost when it is gone.
    """
    return [
        {
            "namespace": pod["metadata"]["namespace"],
            "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"],
            "bare": controller_of(pod) is None,
        }
        for pod in pods
        if moves(pod)
    ]


def moves(pod: Pod) -> bool:
    """Whether a drain moves the pod: not one of a DaemonSet or of a file on the node, nor one that has ended."""
    metadata = pod["metadata"]
    controller = controller_of(pod)
    ended = (pod.get("status") or {}).get("phase") in FINISHED
    return not (MIRROR in (metadata.get("annotations") or {}) or ended or (controller and controller["kind"] == "DaemonSet"))


def controller_of(pod: Pod) -> Mapping[str, Any] | None:
    """What makes the pod anew when it is gone; None for one that is lost then."""
    owners = pod["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def node_state(node: Mapping[str, Any]) -> dict[str, Any]:
    """Version of the kubelet, whether the node is ready, takes pods, and whether we have taken it out of use. Pure."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or []}
    return {
        "kubelet": (status.get("nodeInfo") or {}).get("kubeletVersion"),
        "ready": conditions.get("Ready") == "True",
        "unschedulable": bool(spec.get("unschedulable")),
        "ours": OURS in (metadata.get("annotations") or {}),
    }


def before_leaving(
    nodes: Sequence[Mapping[str, Any]], name: str, wanted: bool, option: str, required: bool
) -> dict[str, Any]:
    """Whether a node that leaves the cluster is drained. Pure. ``nodes``: of ``_kubeadm_observe.node_summary``.

    One that is not ready would never end its pods. ``required``: that is a problem, whose way out is ``option``; else the
    node leaves with them. One that the cluster does not have any more has none.
    """
    seen = next((node for node in nodes if node["name"] == name), None)
    answer = {"drain": bool(wanted and seen and seen["ready"]), "problem": "", "note": ""}
    if not wanted or seen is None or seen["ready"]:
        return answer
    fact = f"{name} is not ready, so nothing there would end its pods"
    if required:
        return {**answer, "problem": f"{fact}: bring it back, or leave its drain out with -e {option}=false"}
    return {**answer, "note": f"{fact}: it leaves without a drain, and what makes its pods anew does so elsewhere"}


def out_of_use(reason: str) -> dict[str, Any]:
    """The patch that takes a node out of use and says who did."""
    return {"metadata": {"annotations": {OURS: reason}}, "spec": {"unschedulable": True}}


def in_use() -> dict[str, Any]:
    """The patch that gives it back."""
    return {"metadata": {"annotations": {OURS: None}}, "spec": {"unschedulable": None}}


class Node:
    """One node of a cluster. The API may go away for moments, as while a control plane is upgraded: it is asked again."""

    def __init__(self, api: HttpsJson, name: str, clock: Clock, timeout: float) -> None:
        self._api, self._name, self._clock = api, name, clock
        self._path = f"/api/v1/nodes/{name}"
        self._end = clock.monotonic() + timeout
        self._timeout = timeout
        self.left = 0
        """How many pods a drain has moved so far."""

    def state(self) -> dict[str, Any]:
        return node_state(self._patiently("GET", self._path))

    def pods(self) -> list[dict[str, Any]]:
        """Those that a drain moves."""
        found = self._patiently("GET", f"/api/v1/pods?fieldSelector=spec.nodeName%3D{self._name}")
        return pods_to_move(found["items"])

    def take(self, reason: str) -> bool:
        """Takes the node out of use, unless it is already: whoever did that gives it back."""
        state = self.state()
        if state["unschedulable"]:
            return False
        self._patiently("PATCH", self._path, out_of_use(reason))
        return True

    def drain(self) -> int:
        """Waits until the pods are gone; how many there were. Raises InfraError with those that stay, and why."""
        seen: set[str] = set()
        while True:
            pods = self.pods()
            present = {pod["uid"] for pod in pods}
            seen |= present
            self.left = len(seen - present)
            refusals = [text for pod in pods if (text := self._evict(pod))]
            if not pods:
                return self.left
            if self._clock.monotonic() >= self._end:
                names = ", ".join(f"{pod['namespace']}/{pod['name']}" for pod in pods)
                raise InfraError(
                    f"{self._name} still has {names} after {self._timeout:.0f} s. "
                    + ("; ".join(refusals) or self._why_they_stay())
                )
            self._clock.sleep(POLL)

    def _why_they_stay(self) -> str:
        if not self.state()["ready"]:
            return f"{self._name} is not ready, so nothing there ends them"
        return "They were told to end and have not: look at their finalizers and grace periods"

    def give(self, version: str | None) -> bool:
        """Waits until the node is ready, with this version of the kubelet, and gives it back if we took it."""
        while True:
            state = self.state()
            if state["ready"] and version in (None, state["kubelet"]):
                break
            if self._clock.monotonic() >= self._end:
                wanted = f" with kubelet {version}" if version else ""
                raise InfraError(
                    f"{self._name} is not ready{wanted} after {self._timeout:.0f} s (ready: {state['ready']}, kubelet "
                    f"{state['kubelet']}): look at journalctl -u kubelet there. It stays out of use; run again"
                )
            self._clock.sleep(POLL)
        return self.give_back()

    def give_back(self) -> bool:
        if not self.state()["ours"]:
            return False
        self._patiently("PATCH", self._path, in_use())
        return True

    def _evict(self, pod: Mapping[str, Any]) -> str | None:
        """Asks for the eviction of a pod; the API's words if it is refused for now."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod["name"], "namespace": pod["namespace"]},
            "deleteOptions": {"preconditions": {"uid": pod["uid"]}},
        }
        path = f"/api/v1/namespaces/{pod['namespace']}/pods/{pod['name']}/eviction"
        try:
            self._api.post(path, body)
        except ApiUnreachable as error:
            return str(error)
        except ApiRefused as error:
            if error.status in (404, 409):  # gone, or made anew
                return None
            if error.status in (429, 500, 503):
                return f"{pod['namespace']}/{pod['name']}: {error}"
            raise
        return None

    def _patiently(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        while True:
            try:
                return self._api.patch(path, body) if method == "PATCH" and body else self._api.get(path)
            except ApiUnreachable:
                if self._clock.monotonic() >= self._end:
                    raise
            except ApiRefused as error:
                # An API server that is starting or ending.
                if error.status not in (429, 500, 502, 503, 504) or self._clock.monotonic() >= self._end:
                    raise
            self._clock.sleep(POLL)
