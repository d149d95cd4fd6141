# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that follows from the site's data, worked out once: no role computes any of it again."""

from __future__ import annotations

from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_config import endpoint
from ansible_collections.detectviz.infra.plugins.plugin_utils.hosts_file import hosts_lines
from ansible_collections.detectviz.infra.plugins.plugin_utils.machines import CONTROL_PLANE, WORKER
from ansible_collections.detectviz.infra.plugins.plugin_utils.networks import (
    DEFAULT_MTU,
    Address,
    Network,
    Range,
    build_networks,
    parse_address,
    parse_network,
    parse_range,
)
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.versions import DEFAULTS, minor

VXLAN_OVERHEAD = {4: 50, 6: 70}  # bytes that VXLAN adds to a packet over IPv4 and over IPv6
POOL_ADDRESSES = 256
ZONE_LABEL = "topology.kubernetes.io/zone"


def derive(site: dict[str, Any], machines: list[dict[str, Any]]) -> dict[str, Any]:
    """``site`` is checked site data, ``machines`` the host variables, each with ``name``. Both stay unchanged.

    Returns cni_mtu, certificate_names, cluster (what kubeadm is told, empty without masters), api_endpoints (every
    address at which the Kubernetes API may answer), dns_records [{zone, name, type, value}], hosts_lines (of a hosts
    file), node_labels, node_taints, node_addresses (the one on the cluster's network), node_ips (one there for each
    IP version of the cluster) and serving_addresses (all) by host, proxmox_nodes, guest_ids by host, ingress_address,
    load_balancer_addresses (the pool's first 256), versions, networks {name: {bridge, vlan_tag, cidrs, gateways,
    mtu}} (the host variable of that name hides the site's on a machine), vendor_snippet (a volume, or empty),
    survives {guest, host, text}, warnings. Its caller adds version_ended (text, or None).
    """
    networks = build_networks(site.get("networks") or {}, Place("site data"), Problems())
    cluster = networks.get(site.get("cluster_network") or "")
    masters = [machine for machine in machines if machine.get("node_role") == CONTROL_PLANE]
    nodes = [machine for machine in machines if machine.get("node_role") in (CONTROL_PLANE, WORKER)]
    hosts = [host["name"] for host in site.get("proxmox_hosts") or []]
    survives = _survives(masters, hosts)
    records, node_ips = _dns_records(site, machines, networks), _node_ips(site, machines, cluster)
    addresses = {name: found[0] for name, found in node_ips.items()}
    return {
        "cni_mtu": _cni_mtu(site, cluster, nodes),
        "certificate_names": _certificate_names(site, masters),
        "cluster": _cluster(site, masters),
        "api_endpoints": _api_endpoints(site, masters, cluster),
        "dns_records": records,
        "hosts_lines": hosts_lines(machines, records, site.get("vip") or {}, addresses),
        "node_labels": {machine["name"]: _labels(machine) for machine in nodes},
        "node_taints": {machine["name"]: list(machine.get("taints") or []) for machine in nodes},
        "node_addresses": addresses,
        "node_ips": node_ips,
        "serving_addresses": {machine["name"]: _fixed_addresses(machine) for machine in nodes},
        "proxmox_nodes": hosts,
        "guest_ids": {machine["name"]: machine["vm_id"] for machine in machines},
        "ingress_address": _text(_ingress(site)),
        "load_balancer_addresses": _pool_addresses(site),
        "versions": {key: site.get(key) or default for key, default in DEFAULTS.items()},
        "networks": {
            network.name: {
                "bridge": network.bridge,
                "vlan_tag": network.vlan_tag,
                "cidrs": [str(prefix) for prefix in network.prefixes],
                "gateways": [str(gateway) for gateway in network.gateways],
                "mtu": network.mtu,
            }
            for network in networks.values()
        },
        "vendor_snippet": _vendor_snippet(site),
        "survives": survives,
        "warnings": _warnings(site, masters, nodes, hosts, survives),
    }


def _vendor_snippet(site: dict[str, Any]) -> str:
    """The snippet that guests read as vendor data: the site's own choice, else the one that host preparation writes."""
    own = (site.get("guest_defaults") or {}).get("vendor_snippet")
    prepared = (site.get("host_preparation") or {}).get("snippets")
    return str(own or (f"local:snippets/{site['site_name']}.yml" if prepared else ""))


def on_network(interface: dict[str, Any], network: Network) -> bool:
    """Whether an interface of the host variables is on a network of the site."""
    return interface["bridge"] == network.bridge and interface.get("vlan_tag") == network.vlan_tag


def addresses_on(machine: dict[str, Any], network: Network | None) -> list[Address]:
    """The fixed addresses of a machine on a network, in their order."""
    found = []
    for interface in machine.get("networks") or []:
        if network is not None and on_network(interface, network):
            found += [parse_address(text.partition("/")[0]) for text in interface["addresses"]]
    return [address for address in found if address is not None]


def _cni_mtu(site: dict[str, Any], cluster: Network | None, nodes: list[dict[str, Any]]) -> int:
    """The smallest MTU between the nodes, less what VXLAN adds: more where packets of IPv6 pods travel between IPv6 addresses.
    A pod has one MTU for both IP versions."""
    mtus = [cluster.mtu if cluster else DEFAULT_MTU]
    for machine in nodes:
        for interface in machine["networks"]:
            if cluster is not None and on_network(interface, cluster):
                mtus.append(interface.get("mtu") or mtus[0])
    only_v6 = cluster is not None and bool(cluster.prefixes) and all(prefix.version == 6 for prefix in cluster.prefixes)
    v6_pods = any(":" in cidr for cidr in site.get("pod_cidrs") or [])
    return min(mtus) - VXLAN_OVERHEAD[6 if only_v6 or v6_pods else 4]


def _certificate_names(site: dict[str, Any], masters: list[dict[str, Any]]) -> list[str]:
    """Every name and address under which the API server is reached: VIP, masters in all zones, the node itself."""
    vip = site.get("vip")
    if not masters or not vip:
        return []
    zones = [zone["name"] for zone in (site.get("dns") or {}).get("zones") or []]
    names = [vip["address"], vip["name"], vip["name"].partition(".")[0]]
    names += [f"{vip['name']}.{zone}" for zone in _vip_zones(site) if "." not in vip["name"]]
    for machine in masters:
        names += [machine["name"], *(f"{machine['name']}.{zone}" for zone in zones), *_fixed_addresses(machine)]
    return list(dict.fromkeys([*names, "localhost", "127.0.0.1"]))


def _cluster(site: dict[str, Any], masters: list[dict[str, Any]]) -> dict[str, Any]:
    """The cluster's settings in the shape of the module kubeadm_node. The endpoint is the VIP from the first moment."""
    if not masters or not site.get("vip"):
        return {}
    return {
        "name": site["site_name"],
        "endpoint": endpoint(site["vip"]["address"]),
        "certificate_names": _certificate_names(site, masters),
        "pod_cidrs": list(site.get("pod_cidrs") or []),
        "service_cidrs": list(site.get("service_cidrs") or []),
        "proxy_mode": site.get("kube_proxy_mode") or "iptables",
    }


def _api_endpoints(site: dict[str, Any], masters: list[dict[str, Any]], cluster: Network | None) -> list[str]:
    """The VIP and every master's address on the cluster's network."""
    vip = [site["vip"]["address"]] if site.get("vip") else []
    found = [str(address) for machine in masters for address in addresses_on(machine, cluster)[:1]]
    return list(dict.fromkeys(vip + found)) if masters else []


def _vip_zones(site: dict[str, Any]) -> list[str]:
    zones = (site.get("dns") or {}).get("zones") or []
    return [zone["name"] for zone in zones if zone["network"] == site["vip"]["network"]]


def _dns_records(
    site: dict[str, Any], machines: list[dict[str, Any]], networks: dict[str, Network]
) -> list[dict[str, str]]:
    """One record per name and address in every zone; a name with a dot belongs to the zone it ends in."""
    dns = site.get("dns") or {}
    records: dict[tuple[str, str], dict[str, str]] = {}

    def add(zone: str, name: str, address: Address | None) -> None:
        if address is not None:
            kind = "A" if address.version == 4 else "AAAA"
            records[(name, str(address))] = {"zone": zone, "name": name, "type": kind, "value": str(address)}

    for zone in dns.get("zones") or []:
        network = networks.get(zone["network"])
        if network is None:
            continue
        for host in site.get("proxmox_hosts") or []:
            for text in (host["address"], *(host.get("addresses") or {}).values()):
                address = parse_address(text.partition("/")[0])
                if address is not None and network.prefix_of(address) is not None:
                    add(zone["name"], f"{host['name']}.{zone['name']}", address)
        for machine in machines:
            for address in addresses_on(machine, network):
                add(zone["name"], f"{machine['name']}.{zone['name']}", address)
    vip = site.get("vip")
    if vip:
        _add_named(add, site, vip["name"], parse_address(vip["address"]), networks)
    for record in dns.get("extra_records") or []:
        address = parse_address(record["address"]) if record.get("address") else _ingress(site)
        _add_named(add, site, record["name"], address, networks)
    return list(records.values())


def _add_named(
    add: Any, site: dict[str, Any], name: str, address: Address | None, networks: dict[str, Network]
) -> None:
    zones = (site.get("dns") or {}).get("zones") or []
    ends = [zone["name"] for zone in zones if name.endswith(f".{zone['name']}")]
    if ends:
        add(max(ends, key=len), name, address)
        return
    for zone in zones:
        network = networks.get(zone["network"])
        if "." not in name and address is not None and network is not None and network.prefix_of(address) is not None:
            add(zone["name"], f"{name}.{zone['name']}", address)


def _labels(machine: dict[str, Any]) -> dict[str, str]:
    """The row's labels, and the Proxmox host as the failure zone."""
    zone = {ZONE_LABEL: machine["pve_node"]} if machine.get("pve_node") else {}
    return {**zone, **(machine.get("labels") or {})}


def _node_ips(site: dict[str, Any], machines: list[dict[str, Any]], cluster: Network | None) -> dict[str, list[str]]:
    """On the cluster's network the first fixed address of each IP version that the Services have, in their order. Machines
    without any (DHCP) are left out."""
    versions = [network.version for text in site.get("service_cidrs") or [] if (network := parse_network(text))]
    result = {}
    for machine in machines:
        found = addresses_on(machine, cluster)
        by_version = {address.version: str(address) for address in reversed(found)}
        if found:
            chosen = [by_version[version] for version in dict.fromkeys(versions) if version in by_version]
            result[machine["name"]] = chosen or [str(found[0])]
    return result


def _fixed_addresses(machine: dict[str, Any]) -> list[str]:
    """Every fixed address of a machine: what its kubelet may ask to have in its certificate."""
    return [
        text.partition("/")[0]
        for interface in machine.get("networks") or []
        for text in interface["addresses"]
        if text != "dhcp"
    ]


def _ingress(site: dict[str, Any]) -> Address | None:
    if site.get("ingress_address"):
        return parse_address(site["ingress_address"])
    spans = _pool(site)
    return spans[0][0] if spans and spans[0] else None


def _pool(site: dict[str, Any]) -> list[Range | None]:
    pool = site.get("load_balancer_pool") or []
    return [parse_range(text) for text in (pool if isinstance(pool, list) else [pool])]


def _pool_addresses(site: dict[str, Any]) -> list[str]:
    """Few enough to ask for each of them on the network; an IPv6 pool may hold more than anybody can count."""
    found: list[str] = []
    for first, last in filter(None, _pool(site)):
        count = min(int(last) - int(first) + 1, POOL_ADDRESSES - len(found))
        found += [str(first + number) for number in range(count)]
    return found


def _text(address: Address | None) -> str | None:
    return None if address is None else str(address)


def _survives(masters: list[dict[str, Any]], hosts: list[str]) -> dict[str, Any]:
    """Whether the control plane keeps its majority after losing one guest, and after losing one Proxmox host."""
    count = len(masters)
    majority = count // 2 + 1
    per_host = [sum(1 for machine in masters if machine.get("pve_node") == host) for host in hosts]
    guest = count - 1 >= majority if count else False
    host = bool(per_host) and len(hosts) > 1 and count - max(per_host) >= majority if count else False
    if not count:
        text = "No control-plane node: no cluster is made from this table."
    elif guest and host:
        text = "The control plane survives the loss of a guest, and of a Proxmox host."
    elif guest and len(hosts) == 1:
        text = "One Proxmox host: the control plane survives the loss of a guest, not of the host."
    elif guest:
        text = "The control plane survives the loss of a guest, not of the Proxmox host that carries most of its nodes."
    else:
        text = f"{count} control-plane node{'s' if count > 1 else ''}: the loss of one stops the Kubernetes API."
    return {"guest": guest, "host": host, "text": text}


def _warnings(
    site: dict[str, Any],
    masters: list[dict[str, Any]],
    nodes: list[dict[str, Any]],
    hosts: list[str],
    survives: dict[str, Any],
) -> list[str]:
    """What is allowed but worth knowing."""
    warnings = []
    if masters and not survives["host"]:
        warnings.append(survives["text"])
    if masters and not any(machine["node_role"] == WORKER for machine in nodes):
        warnings.append("There is no worker: applications need the control-plane taint removed, or a worker.")
    vip = site.get("vip")
    if vip and site.get("ingress_address") == vip["address"]:
        version = site.get("kubernetes_version") or DEFAULTS["kubernetes_version"]
        warnings.append(
            "ingress_address is the VIP: the ingress becomes a Service with that external IP for ports 80 and 443. "
            f"Kubernetes deprecates external IPs from 1.36 (this site: {minor(version)}); an address of "
            "load_balancer_pool has no such limit."
        )
    architectures = {machine.get("arch") or (site.get("guest_defaults") or {}).get("arch") or "x86_64" for machine in nodes}
    if len(architectures) > 1:
        warnings.append(f"The nodes have several architectures ({', '.join(sorted(architectures))}): images need all.")
    return warnings
