"""cluster_info against a real API server, with node and kubelet played by hand."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.api.cluster import Cluster
from tests.api.modules import run_module

SYSTEM = "/api/v1/namespaces/kube-system"


def test_a_cluster_is_read(two_nodes: Cluster, tmp_path: Path) -> None:
    config = {"controlPlaneEndpoint": "192.0.2.10:6443", "networking": {"podSubnet": "10.244.0.0/16,fd00::/56"}}
    for name, data in (
        ("kubeadm-config", {"ClusterConfiguration": json.dumps(config)}),
        ("kube-proxy", {"config.conf": 'mode: ""'}),
    ):
        two_nodes.request("POST", f"{SYSTEM}/configmaps", {"metadata": {"name": name}, "data": data})
    spec = {"holderIdentity": "node-1", "leaseDurationSeconds": 1, "renewTime": "2026-01-01T00:00:00.000000Z"}
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
    assert cluster["lease"]["holder"] == "node-1"
    assert not cluster["lease"]["renewed"] and cluster["lease"]["watched"] >= 2
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
