# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster looks like through its API: reading only, and judged elsewhere (``_cluster_report``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.detectviz.infra.plugins.module_utils._calico_api import CALICO_API, STORED
from ansible_collections.detectviz.infra.plugins.module_utils._calico_rules import FELIX, PLURALS, POOL
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock, Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._kube_api import KubeApi, KubeError
from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import served_certificate

SYSTEM = "/api/v1/namespaces/kube-system"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
ON_EVERY_NODE = ("kube-proxy", "calico-node")
"""DaemonSets."""
SETTLE_PAUSE = 2.0
"""Seconds between two looks at a cluster of which something is only starting."""
LEASE_PAUSE = 0.5
"""Seconds between two looks at a lease that has not been renewed meanwhile."""
CALICO_ADDRESSES = ("projectcalico.org/IPv4Address", "projectcalico.org/IPv6Address")
"""Annotations by which Calico tells the address, with a prefix, that it has chosen on a node."""
STANDIN = "/standin"
"""End of the annotation by which a stand-in for a program says what it leaves out."""


def read_cluster(api: KubeApi, ca_file: str | None) -> dict[str, Any]:
    """Everything that the checks of a cluster need from its API but the lease, in some ten requests. Raises InfraError."""
    nodes = api.items("/api/v1/nodes")
    pods = api.items(f"{SYSTEM}/pods")
    return {
        "server": api.host,
        "version": str(api.get("/version").get("gitVersion") or ""),
        "health": health(api),
        "certificate": served_certificate(api.host, ca_file),
        "nodes": {node["metadata"]["name"]: node_view(node) for node in nodes},
        "pods": [pod_view(pod) for pod in pods],
        "controllers": {
            item["metadata"]["name"]: controller_view(item)
            for plural in ("daemonsets", "deployments")
            for item in api.items(f"/apis/apps/v1/namespaces/kube-system/{plural}")
        },
        "kubeadm": kubeadm_view(api.find(f"{SYSTEM}/configmaps/kubeadm-config")),
        "proxy_mode": proxy_mode(api.find(f"{SYSTEM}/configmaps/kube-proxy")),
        "felix": (_calico_object(api, FELIX, "default") or {}).get("spec"),
        "pools": {item["metadata"]["name"]: item.get("spec") or {} for item in _pools(api)},
        "services": {
            "kubernetes": service_addresses(api.find("/api/v1/namespaces/default/services/kubernetes")),
            "dns": service_addresses(api.find(f"{SYSTEM}/services/kube-dns")),
        },
    }


def health(api: KubeApi) -> str:
    """``ok``, or what the API server says that it lacks."""
    try:
        return api.text("/readyz").strip()
    except KubeError as error:
        return str(error)


def read_settled(api: KubeApi, ca_file: str | None, lease: str, deadline: Deadline) -> dict[str, Any]:
    """As :func:`read_cluster`, read again while something is only starting; when the time is over, as it is then. With the
    ``lease`` of :func:`watch_lease`, of the last look alone."""
    path = f"{LEASE}/{lease}"
    while True:
        began, held = deadline.clock.monotonic(), api.find(path)
        cluster = read_cluster(api, ca_file)
        if is_settled(cluster) or deadline.left() <= 0:
            # At last, as most are renewed while all of this is read.
            return {**cluster, "lease": watch_lease(api, path, held, began, deadline.clock)}
        deadline.clock.sleep(min(SETTLE_PAUSE, deadline.left()))


def is_settled(cluster: Mapping[str, Any]) -> bool:
    """Whether every node is ready and every pod that kube-system is to have, static ones too, which no controller counts.

    Of a node that has just joined, the controller of a DaemonSet may not have heard yet.
    """
    nodes, controllers = cluster["nodes"], cluster["controllers"]
    nodes_ready = all(node["conditions"].get("Ready") == "True" for node in nodes.values())
    static_ready = all(pod["ready"] for pod in cluster["pods"] if pod["static"])
    counted = all(controllers[name]["wanted"] >= len(nodes) for name in ON_EVERY_NODE if name in controllers)
    return nodes_ready and static_ready and counted and all(found["ready"] == found["wanted"] for found in controllers.values())


def _calico_object(api: KubeApi, kind: str, name: str) -> dict[str, Any] | None:
    for group, version in (CALICO_API, STORED):
        found = api.find(f"/apis/{group}/{version}/{PLURALS[kind]}/{name}")
        if found is not None:
            return found
    return None


def _pools(api: KubeApi) -> list[dict[str, Any]]:
    for group, version in (CALICO_API, STORED):
        found = api.find(f"/apis/{group}/{version}/{PLURALS[POOL]}")
        if found is not None:
            return list(found.get("items") or [])
    return []


def node_view(node: Mapping[str, Any]) -> dict[str, Any]:
    """What of a node object is checked. A taint is ``key=value:effect``, without ``=value`` where it has none."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    info = status.get("nodeInfo") or {}
    annotations = metadata.get("annotations") or {}
    return {
        "labels": metadata.get("labels") or {},
        "taints": sorted(taint_text(taint) for taint in spec.get("taints") or []),
        "unschedulable": bool(spec.get("unschedulable")),
        "conditions": {item["type"]: item["status"] for item in status.get("conditions") or []},
        "addresses": [item["address"] for item in status.get("addresses") or [] if item["type"] == "InternalIP"],
        "calico": [annotations[key].partition("/")[0] for key in CALICO_ADDRESSES if annotations.get(key)],
        "kubelet": info.get("kubeletVersion"),
        "runtime": info.get("containerRuntimeVersion"),
        "images": [name for image in status.get("images") or [] for name in image.get("names") or []],
        "standin": next((text for key, text in annotations.items() if key.endswith(STANDIN)), ""),
    }


def taint_text(taint: Mapping[str, Any]) -> str:
    """``key=value:effect`` or ``key:effect``, as kubectl writes it."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def pod_view(pod: Mapping[str, Any]) -> dict[str, Any]:
    """``app`` is the component: the label component of static pods, else k8s-app, else app. ``static``: of a node's file."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    labels = metadata.get("labels") or {}
    containers = status.get("containerStatuses") or []
    mirror = (metadata.get("annotations") or {}).get("kubernetes.io/config.mirror")
    app = labels.get("component") or labels.get("k8s-app") or labels.get("app") or labels.get("app.kubernetes.io/name")
    if not app and mirror:
        app = metadata["name"].removesuffix(f"-{spec.get('nodeName')}")
    return {
        "name": metadata["name"],
        "app": app or metadata["name"],
        "node": spec.get("nodeName"),
        "static": bool(mirror),
        "phase": status.get("phase"),
        "ready": bool(containers) and all(item.get("ready") for item in containers),
        "reason": next((why for item in containers if (why := _waiting(item))), ""),
        "images": [item["image"] for item in spec.get("containers") or []],
    }


def _waiting(container: Mapping[str, Any]) -> str:
    return str(((container.get("state") or {}).get("waiting") or {}).get("reason") or "")


def controller_view(item: Mapping[str, Any]) -> dict[str, int]:
    """``wanted`` and ``ready`` pods of a DaemonSet or Deployment."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    if "desiredNumberScheduled" in status:
        return {"wanted": int(status["desiredNumberScheduled"]), "ready": int(status.get("numberReady") or 0)}
    return {"wanted": int(spec.get("replicas", 1)), "ready": int(status.get("readyReplicas") or 0)}


def watch_lease(
    api: KubeApi, path: str, before: Mapping[str, Any] | None, began: float, clock: Clock
) -> dict[str, Any] | None:
    """``holder``, whether it has ``renewed`` the lease since ``before`` was read, at ``began`` of the clock, and for how many
    seconds that was ``watched``, which is at least twice the ``duration`` (seconds) for which it is given. None if there is none.

    The time that stands in a lease is its holder's, whose clock may be another than this machine's.
    """
    while True:
        lease = api.find(path)
        if lease is None:
            return None
        spec = lease.get("spec") or {}
        renewed, duration = spec.get("renewTime") not in (None, _renew_time(before)), spec.get("leaseDurationSeconds")
        watched = clock.monotonic() - began
        if renewed or watched >= 2 * float(duration or 0):
            return {"holder": spec.get("holderIdentity") or "", "renewed": renewed, "watched": watched, "duration": duration}
        clock.sleep(LEASE_PAUSE)


def _renew_time(lease: Mapping[str, Any] | None) -> str | None:
    return ((lease or {}).get("spec") or {}).get("renewTime")


def kubeadm_view(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """What kubeadm has kept about the cluster; empty where another tool has made it."""
    text = ((config or {}).get("data") or {}).get("ClusterConfiguration") or "{}"
    kept = yaml_load(text) or {}
    networking = kept.get("networking") or {}
    return {
        "endpoint": kept.get("controlPlaneEndpoint"),
        "version": kept.get("kubernetesVersion"),
        "pod_cidrs": _listed(networking.get("podSubnet")),
        "service_cidrs": _listed(networking.get("serviceSubnet")),
    }


def _listed(text: Any) -> list[str]:
    return [item.strip() for item in str(text).split(",")] if text else []


def proxy_mode(config: Mapping[str, Any] | None) -> str | None:
    """kube-proxy's mode; an empty one is iptables. None without its configuration."""
    text = ((config or {}).get("data") or {}).get("config.conf")
    if text is None:
        return None
    return str((yaml_load(text) or {}).get("mode") or "iptables")


def service_addresses(service: Mapping[str, Any] | None) -> list[str]:
    """The cluster addresses of a Service."""
    spec = (service or {}).get("spec") or {}
    return list(spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else []))


def pause_image(nodes: Sequence[Mapping[str, Any]]) -> str | None:
    """An image that does nothing and that nodes have already, from their node objects."""
    names = [name for node in nodes for name in node["images"] if "/pause:" in name]
    return max(sorted(set(names)), key=names.count, default=None)
