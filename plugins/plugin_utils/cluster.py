# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the cluster as a whole: its masters, where they run, what the hosts can carry."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.addresses import bare
from ansible_collections.detectviz.infra.plugins.plugin_utils.machines import CONTROL_PLANE, WORKER, Machine
from ansible_collections.detectviz.infra.plugins.plugin_utils.networks import Address, Network, parse_network
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.site_data import SiteData

NODE_PREFIX = {4: 24, 6: 64}
"""What the controller manager gives each node of the pods' network."""
MASTERS_EXPECTED = "have 1, 3 or 5 control-plane nodes"


def check_cluster(
    machines: list[Machine], site: SiteData, networks: dict[str, Network], problems: Problems, warnings: list[str]
) -> None:
    """Number and placement of masters, and the networks that the cluster needs."""
    data = site.usable()
    masters = [machine for machine in machines if machine.data.get("node_role") == CONTROL_PLANE]
    nodes = masters + [machine for machine in machines if machine.data.get("node_role") == WORKER]
    for machine in nodes:
        if machine.data.get("kind") == "lxc":
            problems.add(
                machine.row.at("kind"),
                "lxc",
                "cannot be a node of the cluster",
                "make it kind vm, or give it another role",
            )
    _check_number(masters, data, problems)
    _check_placement(masters, data, problems)
    if not masters:
        if nodes:
            warnings.append("There are workers but no control-plane node: no cluster will be made.")
        return
    place = site.first
    for key in ("vip", "cluster_network", "pod_cidrs", "service_cidrs"):
        if key not in site.data:
            wanted = f"a cluster needs it: {_needs(key)}"
            problems.add(place.at(key), None, "is missing", wanted)
    versions = _check_ip_versions(nodes, data, site, problems)
    _check_reach(masters, nodes, versions, site, networks, problems)


def _needs(key: str) -> str:
    return {
        "vip": "write address, name and network of the Kubernetes API",
        "cluster_network": "name the network that nodes talk to each other on",
        "pod_cidrs": 'write for instance ["10.244.0.0/16"]',
        "service_cidrs": 'write for instance ["10.96.0.0/12"]',
    }[key]


def _check_number(masters: list[Machine], data: dict[str, Any], problems: Problems) -> None:
    count = len(masters)
    if not count:
        return
    last = masters[-1]
    if count > 5:
        problems.add(last.row.at("node_role"), None, f"makes {count} control-plane nodes", MASTERS_EXPECTED)
    elif count % 2 == 0 and not data.get("allow_even_masters"):
        problems.add(
            last.row.at("node_role"),
            None,
            f"makes {count} control-plane nodes, which survive no more losses than {count - 1}",
            f"{MASTERS_EXPECTED}, or set allow_even_masters: true",
        )


def _check_placement(masters: list[Machine], data: dict[str, Any], problems: Problems) -> None:
    if len(data.get("proxmox_hosts", [])) < 2 or data.get("allow_masters_on_one_host"):
        return
    first_on: dict[str, str] = {}
    for machine in masters:
        host = machine.data.get("pve_node")
        if host in first_on:
            problems.add(
                machine.row.at("pve_node"),
                host,
                f"carries the control-plane node {first_on[host]} already",
                "place each on its own Proxmox host, or set allow_masters_on_one_host: true",
            )
        elif host is not None:
            first_on[host] = machine.name


def _check_ip_versions(nodes: list[Machine], data: dict[str, Any], site: SiteData, problems: Problems) -> list[int]:
    """Pods and Services have the same IP versions, and there is a part of the pods' network for each node."""
    versions: dict[str, list[int]] = {}
    for key in ("pod_cidrs", "service_cidrs"):
        found = [parse_network(text) for text in data.get(key) or []]
        versions[key] = [network.version for network in found if network is not None]
        if len(set(versions[key])) < len(versions[key]):
            problems.add(
                site.place(key).at(key), None, f"has two networks of IPv{versions[key][0]}",
                "write one, or one of each IP version",
            )  # fmt: skip
    pods, services = versions["pod_cidrs"], versions["service_cidrs"]
    if pods and services and pods != services:
        shown = " and ".join(f"IPv{version}" for version in services)
        problems.add(
            site.place("pod_cidrs").at("pod_cidrs"), None, "has other IP versions than service_cidrs",
            f"write {shown}, in this order",
        )  # fmt: skip
    for number, text in enumerate(data.get("pod_cidrs") or []):
        network = parse_network(text)
        room = 1 << max(0, NODE_PREFIX[network.version] - network.prefixlen) if network else len(nodes)
        if room < len(nodes):
            wanted = NODE_PREFIX[network.version] - (len(nodes) - 1).bit_length()  # type: ignore[union-attr]
            problems.add(
                site.place("pod_cidrs").at(f"pod_cidrs[{number}]"), text,
                f"has room for {room} of {len(nodes)} nodes, as each gets a /{NODE_PREFIX[network.version]}",  # type: ignore[union-attr]
                f"write a network with /{wanted} or a smaller number",
            )  # fmt: skip
    return services


def _check_reach(
    masters: list[Machine],
    nodes: list[Machine],
    versions: list[int],
    site: SiteData,
    networks: dict[str, Network],
    problems: Problems,
) -> None:
    """Every node is on the cluster's network, every master on the VIP's as well."""
    data = site.usable()
    flawed = problems.rows()
    wanted = [
        ("cluster_network", data.get("cluster_network"), nodes),
        ("vip", (data.get("vip") or {}).get("network"), masters),
    ]
    for key, name, members in wanted:
        if name is None or not networks:
            continue
        network = networks.get(name)
        if network is None:
            if key == "cluster_network":
                known = " or ".join(networks)
                problems.add(site.place(key).at(key), name, "is not a network of the site", f"write {known}")
            continue
        for machine in members:
            if (machine.row.place.file, machine.row.place.row) in flawed:
                continue  # its addresses may be missing only because they were refused
            interfaces = [item for item in machine.data["networks"] if _on(item, network)]
            if not interfaces:
                problems.add(
                    machine.row.at(machine.row.name_column),
                    machine.name,
                    f"has no interface on {name}, which is the {'network of the VIP' if key == 'vip' else key}",
                    f"give it an address on {name}",
                )
                continue
            fixed = [address for item in interfaces for text in item["addresses"] if (address := bare(text))]
            if key == "cluster_network":
                _check_node_addresses(machine, name, fixed, versions, problems)
            elif not fixed and not any(item.get("mac") for item in interfaces):
                problems.add(
                    machine.row.at("mac"), None, "is missing",
                    f"a node that has its address on {name} from DHCP needs a fixed MAC address",
                )  # fmt: skip


def _check_node_addresses(
    machine: Machine, name: str, fixed: list[Address], versions: list[int], problems: Problems
) -> None:
    """What kubelets, etcd and certificates are told is an address that stays, one of each IP version of the cluster."""
    column = machine.row.at(machine.row.name_column)
    if not fixed:
        problems.add(
            column, machine.name, f"has its address on {name}, which is cluster_network, from DHCP",
            "write the address that it has there; etcd, kubelet and certificates are told it",
        )  # fmt: skip
        return
    for version in versions:
        if not any(address.version == version for address in fixed):
            problems.add(
                column, machine.name, f"has no IPv{version} address on {name}, which is cluster_network",
                f"write one, or take IPv{version} out of pod_cidrs and service_cidrs",
            )  # fmt: skip


def _on(interface: dict[str, Any], network: Network) -> bool:
    return interface["bridge"] == network.bridge and interface.get("vlan_tag") == network.vlan_tag


def check_capacity(machines: list[Machine], site: SiteData, problems: Problems, warnings: list[str]) -> None:
    """What one guest asks of its host must be there; all guests together may ask for more, with a warning."""
    hosts = {host["name"]: host for host in site.usable().get("proxmox_hosts", [])}
    memory: Counter[str] = Counter()
    for machine in machines:
        data = machine.data
        host = hosts.get(data.get("pve_node") or "")
        if host is None:
            continue
        name = host["name"]
        total_cores = (data.get("cores") or 0) * (data.get("sockets") or 1)
        if host.get("cpu") and total_cores > host["cpu"]:
            problems.add(machine.row.at("cores"), data["cores"], f"is more than {name} has ({host['cpu']})", "lower it")
        if host.get("memory_mb") and (data.get("memory_mb") or 0) > host["memory_mb"]:
            column = "memory_mb" if "memory_mb" in machine.row.cells else "memory"
            problems.add(
                machine.row.at(column), f"{data['memory_mb']} MiB", f"is more than {name} has ({host['memory_mb']} MiB)",
                "lower it",
            )  # fmt: skip
        memory[name] += data.get("memory_mb") or 0
        _check_storages(machine, host, problems)
    for name, wanted in memory.items():
        available = hosts[name].get("memory_mb")
        if available and wanted > available:
            warnings.append(f"The guests on {name} have {wanted} MiB of memory together; the host has {available} MiB.")


def _check_storages(machine: Machine, host: dict[str, Any], problems: Problems) -> None:
    known = [item if isinstance(item, str) else item["name"] for item in host.get("storages") or []]
    if not known:
        return
    wanted = [("storage", machine.data.get("storage"))]
    label = machine.row.labels.get("disks", "disks")
    wanted += [
        (f"{label}[{number}].storage", disk.get("storage"))
        for number, disk in enumerate(machine.data.get("disks") or [])
    ]
    for column, storage in wanted:
        if storage is not None and storage not in known:
            problems.add(
                machine.row.place.at(column),
                storage,
                f"is not a storage of {host['name']}",
                f"write {' or '.join(known)}",
            )
