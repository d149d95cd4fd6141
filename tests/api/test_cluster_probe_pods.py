"""cluster_probe_pods against a real API server, with node and kubelet played by hand."""

from __future__ import annotations

import threading
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.cluster import Cluster
from tests.api.modules import run_module

MERGE = "application/merge-patch+json"
SPACES = "/api/v1/namespaces"


def content(namespace: str) -> list[str]:
    """Paths of the lists of what the checks make in a namespace."""
    core = [f"{SPACES}/{namespace}/{plural}" for plural in ("pods", "services", "serviceaccounts")]
    return [*core, f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"]


class Controllers(threading.Thread):
    """What controllers and kubelets do that the bare API server has none of: run pods, end namespaces."""

    def __init__(self, cluster: Cluster, broken: str = "") -> None:
        super().__init__(daemon=True)
        self._cluster = cluster
        self._broken = broken
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.2):
            try:
                self._step()
            except urllib.error.HTTPError as error:
                assert error.code in (404, 409), error.read()

    def stop(self) -> None:
        self._over.set()
        self.join()

    def _step(self) -> None:
        for number, pod in enumerate(self._cluster.request("GET", "/api/v1/pods")["items"]):
            metadata = pod["metadata"]
            if pod.get("status", {}).get("phase") == "Pending":
                path = f"{SPACES}/{metadata['namespace']}/pods/{metadata['name']}/status"
                self._cluster.request("PATCH", path, self._status(metadata["name"], number), MERGE)
        for space in self._cluster.request("GET", SPACES)["items"]:
            if space["status"]["phase"] == "Terminating":
                self._end(space)

    def _end(self, space: dict[str, Any]) -> None:
        for path in content(space["metadata"]["name"]):
            for item in self._cluster.request("GET", path)["items"]:
                self._cluster.request("DELETE", f"{path}/{item['metadata']['name']}")
        space["spec"]["finalizers"] = []
        self._cluster.request("PUT", f"{SPACES}/{space['metadata']['name']}/finalize", space)

    def _status(self, name: str, number: int) -> dict[str, Any]:
        if name == self._broken:
            waiting = {"reason": "ErrImagePull", "message": "registry does not answer"}
            return {"status": {"containerStatuses": [_container({"waiting": waiting})]}}
        address = f"10.244.0.{number + 2}"
        running = _container({"running": {}})
        return {"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "containerStatuses": [running]}}


def _container(state: dict[str, Any]) -> dict[str, Any]:
    return {"name": "nothing", "image": "pause", "imageID": "", "ready": False, "restartCount": 0, "state": state}


@pytest.fixture
def controllers(two_nodes: Cluster) -> Iterator[Controllers]:
    thread = Controllers(two_nodes)
    thread.start()
    yield thread
    thread.stop()


def spaces(cluster: Cluster) -> list[str]:
    """Names of the namespaces of the checks."""
    names = [item["metadata"]["name"] for item in cluster.request("GET", SPACES)["items"]]
    return [name for name in names if name.startswith("detectviz-")]


def test_every_run_has_pods_of_its_own(two_nodes: Cluster, controllers: Controllers, tmp_path: Path) -> None:
    options = two_nodes.options
    assert run_module("cluster_probe_pods", tmp_path, check=True, **options)["probe"] is None
    assert spaces(two_nodes) == []
    first = run_module("cluster_probe_pods", tmp_path, **options)["probe"]
    assert first["image"] == "registry.example/pause:3.10.2"
    assert sorted(pod["name"] for pod in first["pods"]) == ["denied", "guarded", "probe-node-1", "probe-node-2"]
    assert {pod["node"] for pod in first["pods"] if pod["role"] == "each"} == {"node-1", "node-2"}
    assert all(pod["addresses"] and not pod["reason"] for pod in first["pods"])
    service = two_nodes.request("GET", f"{SPACES}/{first['namespace']}/services/probe")["spec"]
    assert service["clusterIP"] in first["service"]["addresses"]
    second = run_module("cluster_probe_pods", tmp_path, **options)["probe"]
    assert sorted(spaces(two_nodes)) == sorted([first["namespace"], second["namespace"]])
    absent = {"state": "absent", "namespace": first["namespace"], **options}
    assert run_module("cluster_probe_pods", tmp_path, **absent)["changed"]
    assert spaces(two_nodes) == [second["namespace"]]
    assert not run_module("cluster_probe_pods", tmp_path, **absent)["changed"]


def test_a_pod_that_does_not_run_is_told_and_no_failure(two_nodes: Cluster, tmp_path: Path) -> None:
    thread = Controllers(two_nodes, broken="probe-node-2")
    thread.start()
    options = {"timeout": 5, "image": "x:1", **two_nodes.options}
    probe = run_module("cluster_probe_pods", tmp_path, **options)["probe"]
    thread.stop()
    reasons = {pod["name"]: pod["reason"] for pod in probe["pods"] if pod["reason"]}
    assert reasons == {"probe-node-2": "registry does not answer"} and probe["image"] == "x:1"


def test_what_was_made_goes_when_the_rest_cannot_be_made(
    two_nodes: Cluster, controllers: Controllers, tmp_path: Path
) -> None:
    result = run_module("cluster_probe_pods", tmp_path, image=" no image ", **two_nodes.options)
    assert result.failed and "image" in result.message
    end = time.monotonic() + 20
    while spaces(two_nodes):
        assert time.monotonic() < end, "the namespace stays"
        time.sleep(0.2)


def test_a_namespace_of_others_is_left_alone(two_nodes: Cluster, tmp_path: Path) -> None:
    two_nodes.request("POST", SPACES, {"metadata": {"name": "detectviz-other"}})
    options = {"namespace": "detectviz-other", "state": "absent", **two_nodes.options}
    result = run_module("cluster_probe_pods", tmp_path, **options)
    assert result.failed and "not of these checks" in result.message
    assert spaces(two_nodes) == ["detectviz-other"]


def test_nodes_that_are_not_there_are_told(two_nodes: Cluster, tmp_path: Path) -> None:
    result = run_module("cluster_probe_pods", tmp_path, nodes=["other"], **two_nodes.options)
    assert result.failed and "none of the nodes other" in result.message
