"""What the tests do on an API server beside the modules: definitions, other people's changes, cleaning up."""

from __future__ import annotations

import json
import time
import urllib.error
from typing import Any

from tests.api.calico_definitions import GROUP, KINDS
from tests.api.control_plane import ControlPlane

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
APPLY = "application/apply-patch+yaml"


class Cluster:
    """A control plane and shortcuts for Calico's objects in it."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self.control_plane = control_plane
        self.options = control_plane.options
        self.request = control_plane.request

    def define(self, definitions: list[dict[str, Any]]) -> None:
        """Adds definitions and waits until they are served."""
        for definition in definitions:
            self.request("POST", DEFINITIONS, definition)
        end = time.monotonic() + 30
        for definition in definitions:
            while not self._is_established(definition["metadata"]["name"]):
                assert time.monotonic() < end, f"{definition['metadata']['name']} is not established"
                time.sleep(0.1)

    def _is_established(self, name: str) -> bool:
        # Published definitions carry an empty status, and until the server has looked at them its conditions are null.
        conditions = self.request("GET", f"{DEFINITIONS}/{name}").get("status", {}).get("conditions") or []
        return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)

    def path(self, kind: str, name: str = "", group: str = GROUP, version: str = "v1") -> str:
        return f"/apis/{group}/{version}/{KINDS[kind]}" + (f"/{name}" if name else "")

    def spec(self, kind: str, name: str) -> dict[str, Any] | None:
        """The spec of an object, or None if it is not there."""
        try:
            return self.request("GET", self.path(kind, name)).get("spec", {})
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def versions(self) -> dict[str, str]:
        """{kind/name: resource version} of all of Calico's objects: what tells any write."""
        return {
            f"{kind}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
            for kind in KINDS
            for item in self.request("GET", self.path(kind))["items"]
        }

    def apply_as(self, manager: str, kind: str, name: str, **spec: Any) -> None:
        """What another field manager applies."""
        body = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.request("PATCH", f"{self.path(kind, name)}?fieldManager={manager}", body, APPLY)

    def create_as(self, manager: str, kind: str, name: str, **spec: Any) -> None:
        """What a program makes that does not use server-side apply, such as calico-node."""
        body = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.request("POST", f"{self.path(kind)}?fieldManager={manager}", json.loads(json.dumps(body)))

    def clear(self) -> None:
        """Removes all of Calico's objects."""
        for kind in KINDS:
            self.request("DELETE", self.path(kind))
