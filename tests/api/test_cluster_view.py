"""cluster_info and cluster_probe_pods against a real API server, with node and kubelet played by hand."""

from __future__ import annotations

import json
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
SYSTEM = "/api/v1/namespaces/kube-system"
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
def two_nodes(bare_cluster: Cluster) -> Cluster:
    for name in ("node-1", "node-2"):
        bare_cluster.request("POST", "/api/v1/nodes", {"metadata": {"name": name}})
        status = {
            "addresses": [{"type": "InternalIP", "address": "10.0.0.11"}, {"type": "Hostname", "address": name}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "images": [{"names": ["registry.example/pause:3.10.2", "registry.example/pause@sha256:0"]}],
        }
        bare_cluster.request("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, MERGE)
    return bare_cluster


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


def test_a_cluster_is_read(two_nodes: Cluster, tmp_path: Path) -> None:
    config = {"controlPlaneEndpoint": "192.0.2.10:6443", "networking": {"podSubnet": "10.244.0.0/16,fd00::/56"}}
    for name, data in (
        ("kubeadm-config", {"ClusterConfiguration": json.dumps(config)}),
        ("kube-proxy", {"config.conf": 'mode: ""'}),
    ):
        two_nodes.request("POST", f"{SYSTEM}/configmaps", {"metadata": {"name": name}, "data": data})
    spec = {"holderIdentity": "node-1", "leaseDurationSeconds": 5, "renewTime": "2026-01-01T00:00:00.000000Z"}
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
    two_nodes.request("POST", path, {"metadata": {"name": "plndr-cp-lock"}, "spec": spec})
    static = {"metadata": {"name": "etcd-node-1", "labels": {"component": "etcd"}},
              "spec": {"nodeName": "node-1", "containers": [{"name": "etcd", "image": "etcd:3.6"}]}}  # fmt: skip
    two_nodes.request("POST", f"{SYSTEM}/pods", static)
    cluster = run_module("cluster_info", tmp_path, **two_nodes.options)["cluster"]
    assert cluster["version"].startswith("v1.") and cluster["health"] == "ok"
    assert cluster["nodes"]["node-1"]["addresses"] == ["10.0.0.11"]
    # Until its conditions are looked at by a controller, a new node has the taint that it is not ready.
    assert cluster["nodes"]["node-1"]["conditions"] == {"Ready": "True"}
    assert cluster["lease"]["holder"] == "node-1" and cluster["lease"]["age"] > 1000
    assert cluster["kubeadm"]["pod_cidrs"] == ["10.244.0.0/16", "fd00::/56"]
    assert cluster["proxy_mode"] == "iptables"
    assert [(pod["app"], pod["node"], pod["ready"]) for pod in cluster["pods"]] == [("etcd", "node-1", False)]
    assert cluster["felix"] is None and cluster["pools"] == {}
    assert cluster["certificate"]["error"] is None and cluster["certificate"]["not_after"] > "2026"
    assert "kubernetes.default.svc" in cluster["certificate"]["names"] or "127.0.0.1" in cluster["certificate"]["names"]


def test_a_kubeconfig_is_enough(two_nodes: Cluster, tmp_path: Path) -> None:
    plane = two_nodes.control_plane
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "b",
        "clusters": [{"name": "c", "cluster": {"server": plane.url, "certificate-authority": str(plane.ca)}}],
        "users": [{"name": "u", "user": {"token": plane.token}}],
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "nobody"}},
                     {"name": "b", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))
    assert run_module("cluster_info", tmp_path, kubeconfig=str(file))["cluster"]["health"] == "ok"
    started = time.monotonic()
    refused = run_module("cluster_info", tmp_path, kubeconfig=str(file), context="a")
    assert refused.failed and "kubeconfig" in refused.message and time.monotonic() - started < 60
