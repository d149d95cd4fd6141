# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeadm's configuration (v1beta4) and the API server's own files, as data. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import host_port

API_VERSION = "kubeadm.k8s.io/v1beta4"
API_PORT = 6443
CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

FILES_DIR = "/etc/kubernetes/apiserver"
AUDIT_POLICY_FILE = f"{FILES_DIR}/audit-policy.json"
ENCRYPTION_FILE = f"{FILES_DIR}/encryption.json"
AUDIT_LOG_DIR = "/var/log/kubernetes/audit"

UNUSED_TOKEN_TTL = "1m0s"
"""kubeadm init always makes a token; nobody is told this one, and it is gone when the first node joins."""

Object = dict[str, Any]


def init_configuration(node: Mapping[str, Any], cluster: Mapping[str, Any], token: str) -> list[Object]:
    """The documents for ``kubeadm init``.

    ``node``: name, address, node_ips, taints, ignore_preflight_errors. ``cluster``: see ``cluster_configuration``.
    """
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "InitConfiguration",
            "bootstrapTokens": [{"token": token, "ttl": UNUSED_TOKEN_TTL, "usages": ["authentication"]}],
            "localAPIEndpoint": {"advertiseAddress": node["address"], "bindPort": API_PORT},
            "nodeRegistration": node_registration(node),
            # It would print a token and a key.
            "skipPhases": ["show-join-command"],
        },
        cluster_configuration(cluster),
        kubelet_configuration(cluster),
        kube_proxy_configuration(cluster),
    ]


def upload_certs_configuration(cluster: Mapping[str, Any], certificate_key: str) -> list[Object]:
    """For the phase that puts the shared certificates into a Secret; the key is in this file and in no argv."""
    return [
        {"apiVersion": API_VERSION, "kind": "InitConfiguration", "certificateKey": certificate_key},
        cluster_configuration(cluster),
    ]


def join_configuration(node: Mapping[str, Any], material: Mapping[str, Any], discovery_file: str) -> list[Object]:
    """The document for ``kubeadm join``. ``node`` as for init, with ``control_plane``."""
    document: Object = {
        "apiVersion": API_VERSION,
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": discovery_file}, "tlsBootstrapToken": material["token"]},
        "nodeRegistration": node_registration(node),
    }
    if node["control_plane"]:
        document["controlPlane"] = {
            "localAPIEndpoint": {"advertiseAddress": node["address"], "bindPort": API_PORT},
            "certificateKey": material["certificate_key"],
        }
    return [document]


def discovery_kubeconfig(material: Mapping[str, Any]) -> Object:
    """A kubeconfig that holds the cluster's CA as an existing node has it, so that a joiner trusts no first sight."""
    data = base64.b64encode(material["ca_certificate"].encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "cluster",
                "cluster": {"server": f"https://{material['endpoint']}", "certificate-authority-data": data},
            }
        ],
        "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": "joiner"}}],
        "current-context": "cluster",
        "users": [{"name": "joiner", "user": {"token": material["token"]}}],
    }


def node_registration(node: Mapping[str, Any]) -> Object:
    """Name, addresses and taints of a node; the addresses are those of the cluster's network, not of the default route: one
    of each IP version of the cluster."""
    return {
        "name": node["name"],
        "criSocket": "unix:///run/containerd/containerd.sock",
        "imagePullPolicy": "IfNotPresent",
        "imagePullSerial": False,
        "kubeletExtraArgs": [{"name": "node-ip", "value": ",".join(node.get("node_ips") or [node["address"]])}],
        "taints": parse_taints(node.get("taints") or []),
        "ignorePreflightErrors": named_errors(node.get("ignore_preflight_errors") or []),
    }


def named_errors(names: Sequence[str]) -> list[str]:
    """kubeadm's checks that may fail, by name. ``all`` would hide everything else that is wrong."""
    if any(name.lower() == "all" for name in names):
        raise ProblemsError(
            "ignore_preflight_errors",
            ["all hides every problem of the node; name the checks, such as SystemVerification"],
        )
    return list(names)


def cluster_configuration(cluster: Mapping[str, Any]) -> Object:
    """``cluster``: name, version, endpoint (host:port), certificate_names, pod_cidrs, service_cidrs, dns_domain,
    image_repository, api_server_arguments, controller_manager_arguments, scheduler_arguments, etcd_arguments."""
    document: Object = {
        "apiVersion": API_VERSION,
        "kind": "ClusterConfiguration",
        "clusterName": cluster["name"],
        "kubernetesVersion": cluster["version"],
        "controlPlaneEndpoint": cluster["endpoint"],
        "networking": {
            "podSubnet": ",".join(cluster["pod_cidrs"]),
            "serviceSubnet": ",".join(cluster["service_cidrs"]),
            "dnsDomain": cluster.get("dns_domain") or "cluster.local",
        },
        "apiServer": {
            "certSANs": list(cluster["certificate_names"]),
            "extraArgs": _arguments({**API_SERVER_ARGUMENTS, **(cluster.get("api_server_arguments") or {})}),
            "extraVolumes": [
                {
                    "name": "detectviz-files",
                    "hostPath": FILES_DIR,
                    "mountPath": FILES_DIR,
                    "readOnly": True,
                    "pathType": "Directory",
                },
                {
                    "name": "detectviz-audit",
                    "hostPath": AUDIT_LOG_DIR,
                    "mountPath": AUDIT_LOG_DIR,
                    "pathType": "DirectoryOrCreate",
                },
            ],
        },
        "controllerManager": {"extraArgs": _arguments(cluster.get("controller_manager_arguments") or {})},
        "scheduler": {"extraArgs": _arguments(cluster.get("scheduler_arguments") or {})},
        "etcd": {"local": {"dataDir": "/var/lib/etcd", "extraArgs": _arguments(cluster.get("etcd_arguments") or {})}},
    }
    if cluster.get("image_repository"):
        document["imageRepository"] = cluster["image_repository"]
    return document


API_SERVER_ARGUMENTS = {
    "audit-policy-file": AUDIT_POLICY_FILE,
    "audit-log-path": f"{AUDIT_LOG_DIR}/audit.log",
    "audit-log-maxage": "14",
    "audit-log-maxbackup": "5",
    "audit-log-maxsize": "50",
    "encryption-provider-config": ENCRYPTION_FILE,
}


def _arguments(values: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "value": _text(value)} for name, value in values.items()]


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def kubelet_configuration(cluster: Mapping[str, Any]) -> Object:
    """For all nodes. Serving certificates come from the cluster's CA; the site's own values win."""
    own: Object = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "systemd",
        "serverTLSBootstrap": True,
        "rotateCertificates": True,
    }
    return merged(own, cluster.get("kubelet_configuration") or {})


def kube_proxy_configuration(cluster: Mapping[str, Any]) -> Object:
    """For all nodes. The mode is the site's one variable, which Calico follows too (IPVS is refused by its schema)."""
    own: Object = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": cluster["proxy_mode"],
        "clusterCIDR": ",".join(cluster["pod_cidrs"]),
    }
    return merged(own, cluster.get("kube_proxy_configuration") or {})


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Object:
    """``over`` laid on ``base``; mappings are merged at every depth, anything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def parse_taints(taints: Sequence[Any]) -> list[dict[str, str]]:
    """``key=value:Effect``, ``key:Effect`` or an object of the API. Raises ProblemsError with all that are neither."""
    found, problems = [], []
    for taint in taints:
        parsed = dict(taint) if isinstance(taint, Mapping) else _parse_taint(str(taint))
        if not parsed.get("key") or parsed.get("effect") not in TAINT_EFFECTS:
            problems.append(f"{taint} is not a taint; write key=value:Effect with one of {', '.join(TAINT_EFFECTS)}")
        else:
            found.append({name: str(parsed[name]) for name in ("key", "value", "effect") if parsed.get(name)})
    if problems:
        raise ProblemsError("taints", problems)
    return found


def _parse_taint(text: str) -> dict[str, str]:
    name, _colon, effect = text.rpartition(":")
    key, _equals, value = name.partition("=")
    return {"key": key, "value": value, "effect": effect}


def encryption_configuration(key: str) -> Object:
    """Secrets encrypted with AES-GCM's safer sibling; what was written before encryption is still read."""
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [
            {
                "resources": ["secrets"],
                "providers": [{"secretbox": {"keys": [{"name": "key1", "secret": key}]}}, {"identity": {}}],
            }
        ],
    }


AUDIT_POLICY: Object = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    # One line per request, when it is answered.
    "omitStages": ["RequestReceived"],
    "rules": [
        # What every node and controller does all the time tells nothing.
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "None", "resources": [{"group": "", "resources": ["events"]}, {"group": "events.k8s.io"}]},
        {"level": "None", "userGroups": ["system:nodes"], "verbs": ["patch", "update"]},
        # Bodies of these hold secrets: who and what, never the content.
        {
            "level": "Metadata",
            "resources": [
                {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
                {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
            ],
        },
        {"level": "Metadata"},
    ],
}
"""Every change, with who made it; no bodies."""


def documents(objects: Sequence[Mapping[str, Any]]) -> str:
    """Several documents in one file. JSON is YAML, and needs no library on the node."""
    return "---\n".join(json.dumps(item, indent=1, sort_keys=True) + "\n" for item in objects)


def endpoint(address: str) -> str:
    """Where the API is asked, as kubeadm and kubeconfigs write it."""
    return host_port(address, API_PORT)
