# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of kube-vip as data: what ``kube-vip manifest`` of a version prints for the same settings. Pure.

Null and empty fields are left out. On purpose it differs in: the image; ``hostPath.type``, so that a kubeconfig that is
not there yet is waited for and not made as a folder; the super user's kubeconfig mounted as admin.conf in phase init;
further environment; and the status that versions before v0.8.2 printed into a DaemonSet.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._kube_vip_settings import Settings

NAMESPACE = "kube-system"
ADMIN_CONF = "/etc/kubernetes/admin.conf"
# Before kubeadm init has written its roles, the API knows the rights of this one alone.
SUPER_ADMIN_CONF = "/etc/kubernetes/super-admin.conf"
LOAD_BALANCER_PORT = 6443
HIDDEN = "(not shown)"

_SELECTED = {"app.kubernetes.io/name": "kube-vip-ds"}


def build_manifest(settings: Settings, interface: str, show_passwords: bool = True) -> dict[str, Any]:
    """A Pod or a DaemonSet. Without ``show_passwords`` what BGP peers are told is hidden, for diffs and results."""
    spec = _pod_spec(settings, _environment(settings, interface, show_passwords))
    if settings.params["kind"] == "pod":
        metadata = {"name": "kube-vip", "namespace": NAMESPACE}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    labels = {**_SELECTED, "app.kubernetes.io/version": settings.version}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"labels": labels, "name": "kube-vip-ds", "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": dict(_SELECTED)},
            "template": {"metadata": {"labels": dict(labels)}, "spec": spec},
        },
    }


def has_passwords(settings: Settings) -> bool:
    """Whether the manifest holds a password of a BGP peer."""
    return any(peer.get("password") for peer in (settings.params["bgp"] or {}).get("peers") or [])


def _pod_spec(settings: Settings, environment: list[dict[str, Any]]) -> dict[str, Any]:
    params = settings.params
    capabilities = {"add": ["NET_ADMIN", "NET_RAW"]}
    if settings.layout.drop_capabilities:
        capabilities["drop"] = ["ALL"]
    container: dict[str, Any] = {
        "args": ["manager"],
        "env": environment,
        "image": _image(params["image"], settings.version, params["image_digest"]),
        "imagePullPolicy": settings.layout.pull_policy,
        "name": "kube-vip",
        "securityContext": {"capabilities": capabilities},
    }
    if params["kind"] == "daemonset":
        return {
            **_on_control_plane(params),
            "containers": [container],
            "hostNetwork": True,
            "serviceAccountName": "kube-vip",
        }
    container["volumeMounts"] = [{"mountPath": ADMIN_CONF, "name": "kubeconfig"}]
    kubeconfig = params["kubeconfig"] or (SUPER_ADMIN_CONF if params["phase"] == "init" else ADMIN_CONF)
    return {
        "containers": [container],
        # kube-vip asks the API server of its own node under this name.
        "hostAliases": [{"hostnames": ["kubernetes"], "ip": "127.0.0.1"}],
        "hostNetwork": True,
        "volumes": [{"hostPath": {"path": kubeconfig, "type": "File"}, "name": "kubeconfig"}],
    }


def _on_control_plane(params: dict[str, Any]) -> dict[str, Any]:
    """Where a DaemonSet runs: one for the control plane runs there alone, on its taints."""
    if not params["control_plane"]:
        return {}
    roles = [f"node-role.kubernetes.io/{role}" for role in ("master", "control-plane")]
    terms = [{"matchExpressions": [{"key": role, "operator": "Exists"}]} for role in roles]
    return {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}},
        "tolerations": [{"effect": effect, "operator": "Exists"} for effect in ("NoSchedule", "NoExecute")],
    }


def _image(image: str, version: str, digest: str | None) -> str:
    """A repository gets the version as its tag; an image with a tag or a digest keeps it."""
    name = image.rpartition("/")[2]
    tagged = image if ":" in name or "@" in name else f"{image}:{version}"
    return f"{tagged.partition('@')[0]}@{digest}" if digest else tagged


def _environment(settings: Settings, interface: str, show_passwords: bool) -> list[dict[str, Any]]:
    params, layout = settings.params, settings.layout
    pairs: list[tuple[str, Any]] = [("vip_arp", params["advertise"] == "arp"), ("port", params["port"])]
    if layout.node_name:
        pairs.append(("vip_nodename", {"fieldRef": {"fieldPath": "spec.nodeName"}}))
    pairs.append(("vip_interface", interface))
    prefixes = settings.prefixes or _default_prefixes(settings)
    if prefixes:
        pairs.append((layout.prefix_variable, prefixes))
    pairs.append(("dns_mode", "first"))
    if layout.dhcp_mode:
        pairs.append(("dhcp_mode", layout.dhcp_mode))
    if params["control_plane"]:
        pairs += [("cp_enable", True), ("cp_namespace", NAMESPACE)]
    if params["services"]:
        pairs += [("svc_enable", True), ("svc_leasename", "plndr-svcs-lock")]
        if params["services_election"]:
            pairs.append(("svc_election", True))
    if settings.lease is not None:
        names = ("vip_leaseduration", "vip_renewdeadline", "vip_retryperiod")
        pairs += [("vip_leaderelection", True), ("vip_leasename", params["lease_name"] or "plndr-cp-lock")]
        pairs += list(zip(names, settings.lease))
    if params["advertise"] == "bgp":
        pairs += _bgp(params["bgp"], show_passwords)
    if params["load_balancer"]:
        pairs += [("lb_enable", True), ("lb_port", LOAD_BALANCER_PORT), ("lb_fwdmethod", "local")]
    pairs.append(("address", params["address"]) if params["address"] else ("vip_address", ""))
    if params["metrics_address"] or layout.empty_metrics:
        pairs.append(("prometheus_server", params["metrics_address"]))
    # A dictionary, so that extra_env replaces what is there and no variable is named twice.
    return [_variable(name, value) for name, value in {**dict(pairs), **settings.extra_env}.items()]


def _default_prefixes(settings: Settings) -> str:
    """The prefix lengths that the version gives the VIP by itself."""
    if settings.layout.prefixes == "32":
        return "32"
    each = [str(vip.max_prefixlen) for vip in settings.vips]
    if not each and settings.networks:  # of a DNS name
        each = [str(network.max_prefixlen) for network in settings.networks]
    if settings.layout.prefixes == "distinct":
        each = sorted(set(each), reverse=True)
    return ",".join(each)


def _bgp(bgp: dict[str, Any], show_passwords: bool) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = [
        ("bgp_enable", True),
        ("bgp_routerid", bgp.get("router_id") or ""),
        ("bgp_as", bgp["local_as"]),
        # The variables of a single peer, which kube-vip always prints.
        ("bgp_peeraddress", ""),
        ("bgp_peerpass", ""),
        ("bgp_peeras", 65000),
    ]
    peers = [_peer(peer, show_passwords) for peer in bgp.get("peers") or []]
    return pairs + ([("bgp_peers", ",".join(peers))] if peers else [])


def _peer(peer: dict[str, Any], show_password: bool) -> str:
    address = ipaddress.ip_address(peer["address"])
    password = peer.get("password") or ""
    return ":".join(
        [
            f"[{address}]" if address.version == 6 else str(address),
            str(peer["as"]),
            password if show_password or not password else HIDDEN,
            "true" if peer.get("multihop") else "false",
        ]
    )


def _variable(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"name": name, "valueFrom": value}
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return {"name": name, "value": text} if text else {"name": name}
