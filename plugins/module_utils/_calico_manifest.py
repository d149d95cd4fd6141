# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's install manifest for one cluster: pool, encapsulation, MTU, address detection, registry. Pure.

The manifest is edited as data. Only the ConfigMap ``calico-config``, the DaemonSet ``calico-node`` and, for a registry,
other workloads are touched; every other object stays as it is, and all keep their order.
"""

from __future__ import annotations

import copy
import ipaddress
from typing import Any, NamedTuple

from ansible_collections.detectviz.infra.plugins.module_utils._calico_workload import (
    cni_families,
    drop_bird_probes,
    find_object,
    repeated_variables,
    set_registry,
    set_variables,
    workloads,
)
from ansible_collections.detectviz.infra.plugins.module_utils._errors import ProblemsError

# Encapsulation: mode of VXLAN, mode of IPIP, and what carries routes between nodes.
ENCAPSULATIONS = {
    "vxlan": ("Always", "Never", "vxlan"),
    "vxlan_cross_subnet": ("CrossSubnet", "Never", "vxlan"),
    "ipip": ("Never", "Always", "bird"),
    "ipip_cross_subnet": ("Never", "CrossSubnet", "bird"),
    "none": ("Never", "Never", "bird"),
}
# Each is followed by = and a value, except for the last two.
DETECTION_METHODS = ("cidr", "interface", "skip-interface", "can-reach", "first-found", "kubernetes-internal-ip")
NFTABLES_MODE = {"nftables": "Enabled", "iptables": "Disabled"}
MTUS = (576, 65535)  # the least that IPv4 promises, and the most that a packet can have
BLOCK_SIZES = {4: 26, 6: 122}  # Calico's own defaults
NODE, CONFIG = ("DaemonSet", "calico-node"), ("ConfigMap", "calico-config")


class Wanted(NamedTuple):
    """What the user asks for; None leaves what the manifest has."""

    pools: dict[int, str]  # CIDR by IP version
    encapsulation: str
    mtu: int | None
    detection: dict[int, str]  # method by IP version
    registry: str | None
    dataplane: str | None


def read_wanted(params: dict[str, Any]) -> Wanted:
    """From the module's arguments. Raises ProblemsError with everything that is wrong."""
    problems: list[str] = []
    pools: dict[int, str] = {}
    for text in params["pool_cidr"] or []:
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            problems.append(f"pool_cidr {text!r}: {error}")
            continue
        if network.version in pools:
            problems.append(
                f"pool_cidr has two networks of IPv{network.version}: Calico makes one pool of each at its start"
            )
        pools[network.version] = str(network)
    mtu = params["mtu"]
    if mtu is not None and not MTUS[0] <= mtu <= MTUS[1]:
        problems.append(f"mtu {mtu} is not between {MTUS[0]} and {MTUS[1]}")
    if 6 in pools and params["encapsulation"].startswith("ipip"):
        problems.append("IPIP does not carry IPv6: choose vxlan or none for a pool of IPv6")
    detection = _detection(params["address_detection"], pools, problems)
    registry = params["registry"]
    if registry and ("://" in registry or any(letter.isspace() for letter in registry)):
        problems.append(f"registry {registry!r} is no registry: give a name such as registry.example.net:5000/mirror")
    if problems:
        raise ProblemsError("These settings make no manifest of Calico:", problems)
    return Wanted(
        pools, params["encapsulation"], mtu, detection, (registry or "").rstrip("/") or None, params["dataplane"]
    )


def _detection(text: str | None, pools: dict[int, str], problems: list[str]) -> dict[int, str]:
    """Methods by IP version. Networks are told apart by their version; every other method is for all versions."""
    if not text:
        return {}
    method, sign, value = text.partition("=")
    if method in DETECTION_METHODS and method != "cidr":
        alone = method in DETECTION_METHODS[-2:]
        if bool(sign if alone else not value):
            problems.append(f"address_detection {text!r}: {method} {'has no' if alone else 'needs a'} value")
        return dict.fromkeys(pools or {4: ""}, text)
    found: dict[int, list[str]] = {}
    for part in (value if method == "cidr" else text).split(","):
        try:
            found.setdefault(ipaddress.ip_network(part.strip()).version, []).append(part.strip())
        except ValueError:
            known = ", ".join(DETECTION_METHODS)
            problems.append(f"address_detection {part!r} is neither a network nor one of {known}")
    return {version: "cidr=" + ",".join(networks) for version, networks in found.items()}


def transform(objects: list[Any], wanted: Wanted) -> dict[int, Any]:
    """Objects that change, by their number in ``objects``, which stay as they are.

    Raises ProblemsError if the manifest is not one of Calico's own, or lacks what is asked for.
    """
    problems = _manifest_problems(objects, wanted)
    if problems:
        raise ProblemsError("This is not Calico's install manifest as it is published (calico.yaml):", problems)
    after = copy.deepcopy(objects)
    node, config = find_object(after, *NODE), find_object(after, *CONFIG)
    containers = node["spec"]["template"]["spec"]["containers"]
    container = next(item for item in containers if item["name"] == "calico-node")
    vxlan, ipip, backend = ENCAPSULATIONS[wanted.encapsulation]
    config["data"]["calico_backend"] = backend
    if backend != "bird":
        drop_bird_probes(container)
    variables = _pool_variables(wanted, vxlan, ipip) | _detection_variables(wanted)
    if wanted.mtu is not None:
        config["data"]["veth_mtu"] = str(wanted.mtu)
        variables |= _mtu_variables(wanted)
    if wanted.dataplane and _has_nftables(objects):
        variables["FELIX_NFTABLESMODE"] = NFTABLES_MODE[wanted.dataplane]
    set_variables(container, variables)
    if 6 in wanted.pools:
        config["data"]["cni_network_config"] = cni_families(config["data"]["cni_network_config"], set(wanted.pools))
    if wanted.registry:
        for workload in workloads(after):
            set_registry(workload, wanted.registry)
    return {number: item for number, item in enumerate(after) if item != objects[number]}


def _pool_variables(wanted: Wanted, vxlan: str, ipip: str) -> dict[str, str]:
    """The pools that Calico makes at its first start."""
    variables = {"CALICO_IPV4POOL_IPIP": ipip, "CALICO_IPV4POOL_VXLAN": vxlan}
    if 4 in wanted.pools:
        variables["CALICO_IPV4POOL_CIDR"] = wanted.pools[4]
    if 6 in wanted.pools:
        variables |= {
            "IP6": "autodetect",
            "CALICO_IPV6POOL_CIDR": wanted.pools[6],
            "CALICO_IPV6POOL_VXLAN": vxlan,
            "FELIX_IPV6SUPPORT": "true",
        }
        if 4 not in wanted.pools:
            # Without IPv4 there is no address that could be the router's id.
            variables |= {"IP": "none", "CALICO_ROUTER_ID": "hash"}
    return variables


def _detection_variables(wanted: Wanted) -> dict[str, str]:
    names = {4: "IP_AUTODETECTION_METHOD", 6: "IP6_AUTODETECTION_METHOD"}
    # Calico looks for no IPv6 address without a pool of IPv6.
    return {names[version]: method for version, method in wanted.detection.items() if version == 4 or 6 in wanted.pools}


def _mtu_variables(wanted: Wanted) -> dict[str, str]:
    names = ["FELIX_VXLANMTU", "FELIX_WIREGUARDMTU"]
    names += ["FELIX_VXLANMTUV6", "FELIX_WIREGUARDMTUV6"] if 6 in wanted.pools else []
    return dict.fromkeys(names, str(wanted.mtu))


def _manifest_problems(objects: list[Any], wanted: Wanted) -> list[str]:
    problems = [
        f"document {number + 1} is no object"
        for number, item in enumerate(objects)
        if item is not None and not _is_object(item)
    ]
    if problems:
        return problems
    node, config = find_object(objects, *NODE), find_object(objects, *CONFIG)
    if node is None:
        hint = (
            "; this is a manifest of tigera's operator" if find_object(objects, "Deployment", "tigera-operator") else ""
        )
        return [f"it has no DaemonSet calico-node{hint}"]
    names = [item["name"] for item in node["spec"]["template"]["spec"]["containers"]]
    if "calico-node" not in names:
        problems.append(f"its DaemonSet calico-node has no container calico-node, but {', '.join(names)}")
    for key in ("calico_backend", "veth_mtu", "cni_network_config"):
        if key not in ((config or {}).get("data") or {}):
            problems.append(f"its ConfigMap calico-config has no {key}")
    problems += repeated_variables(
        node, keep={*_pool_variables(wanted, "", ""), *_detection_variables(wanted), *_mtu_variables(wanted)}
    )
    if wanted.dataplane == "nftables" and not _has_nftables(objects):
        problems.append("its Felix knows no nftables: choose Calico v3.29 or newer, or kube-proxy's mode iptables")
    return problems


def _is_object(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("kind"), str) and isinstance(item.get("metadata"), dict)


def _has_nftables(objects: list[Any]) -> bool:
    """Whether this version's Felix can program nftables, told by the manifest's own definition of its configuration."""
    definition = find_object(objects, "CustomResourceDefinition", "felixconfigurations.crd.projectcalico.org") or {}
    versions = definition.get("spec", {}).get("versions") or [{}]
    schema = versions[0].get("schema", {}).get("openAPIV3Schema", {})
    return "nftablesMode" in schema.get("properties", {}).get("spec", {}).get("properties", {})


def pools_of(cidrs: list[str], encapsulation: str = "vxlan") -> list[dict[str, Any]]:
    """The pools that calico-node makes of these networks, as objects: ``[{name, spec}]``."""
    vxlan, ipip, _backend = ENCAPSULATIONS[encapsulation]
    pools = []
    for cidr in cidrs:
        network = ipaddress.ip_network(cidr)
        spec = {
            "cidr": str(network),
            "blockSize": BLOCK_SIZES[network.version],
            "vxlanMode": vxlan,
            "ipipMode": ipip if network.version == 4 else "Never",
            "natOutgoing": network.version == 4 or network.is_private,
            "nodeSelector": "all()",
        }
        pools.append({"name": f"default-ipv{network.version}-ippool", "spec": spec})
    return pools
