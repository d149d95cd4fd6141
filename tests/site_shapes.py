"""Sites of many shapes as plain data, for tests that check, plan and render them. Imports nothing of the collection."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SITE: dict[str, Any] = {
    "site_name": "test",
    "proxmox_hosts": [{"name": "pve1", "address": "192.168.0.2", "addresses": {"vmbr1": "10.0.0.2"}}],
    "networks": {
        "vmbr0": {
            "cidr": "192.168.0.0/24",
            "gateway": "192.168.0.1",
            "mtu": 9000,
            "dhcp_ranges": ["192.168.0.100-192.168.0.150"],
        },
        "vmbr1": {"cidr": "10.0.0.0/24", "mtu": 9000},
    },
    "vip": {"address": "192.168.0.10", "name": "k8s-api", "network": "vmbr0"},
    "cluster_network": "vmbr1",
    "dns": {"servers": ["192.168.0.2"], "zones": [{"name": "example.internal", "network": "vmbr0"}]},
    "pod_cidrs": ["10.244.0.0/16"],
    "service_cidrs": ["10.96.0.0/12"],
    "load_balancer_pool": ["192.168.0.200-192.168.0.220"],
}
HOSTS = [{"name": f"pve{number}", "address": f"192.168.0.{number + 1}"} for number in range(1, 4)]


@dataclass(frozen=True)
class Shape:
    """The rows of a site's table and its site data."""

    machines: list[dict[str, Any]]
    data: dict[str, Any]

    def write(self, folder: Path) -> Path:
        return write(folder, self.machines, self.data)


def machine(number: int, role: str = "control_plane", **changes: Any) -> dict[str, Any]:
    """A machine on both networks; ``changes`` replace keys, None removes one."""
    entry = {
        "name": f"node-{number}",
        "vm_id": 100 + number,
        "node_role": role,
        "cores": 2,
        "memory_mb": 4096,
        "disks": [{"name": "system", "size_gb": 40}],
        "networks": [
            {"name": "eth0", "bridge": "vmbr0", "addresses": [f"192.168.0.{10 + number}/24"]},
            {"name": "eth1", "bridge": "vmbr1", "addresses": [f"10.0.0.{10 + number}/24"]},
        ],
    }
    entry.update(changes)
    return {key: value for key, value in entry.items() if value is not None}


def flat(number: int, role: str = "control_plane", **changes: Any) -> dict[str, Any]:
    """A machine with one address and no list of interfaces."""
    return machine(number, role, networks=None, ip=f"192.168.0.{10 + number}", **changes)


def cluster(masters: int = 3, workers: int = 1) -> list[dict[str, Any]]:
    roles = ["control_plane"] * masters + ["worker"] * workers
    return [machine(number, role) for number, role in enumerate(roles, start=1)]


def site(**changes: Any) -> dict[str, Any]:
    """The site data; ``changes`` replace top-level keys, None removes one."""
    data = copy.deepcopy(SITE)
    data.update(changes)
    return {key: value for key, value in data.items() if value is not None}


def write(folder: Path, machines: Any, data: Any = None) -> Path:
    """Write the site into ``folder`` as YAML and return it. Text is written as it is."""
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    (folder / "group_vars" / "all").mkdir(parents=True, exist_ok=True)
    table = machines if isinstance(machines, str) else yaml.safe_dump({"machines": machines}, sort_keys=False)
    (folder / "tables" / "machines.yml").write_text(table, encoding="utf-8")
    data = SITE if data is None else data
    text = data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False)
    (folder / "group_vars" / "all" / "site.yml").write_text(text, encoding="utf-8")
    (folder / "site.node_table.yml").write_text(
        "plugin: detectviz.infra.node_table\npath: tables/machines.yml\n", encoding="utf-8"
    )
    return folder


def one_nic() -> Shape:
    """One bridge with an ordinary MTU; there is no vmbr1."""
    networks = {"vmbr0": {**SITE["networks"]["vmbr0"], "mtu": 1500}}
    return Shape(
        [flat(1), flat(2, "worker")], site(cluster_network="vmbr0", networks=networks, proxmox_hosts=HOSTS[:1])
    )


def vlan_tag() -> Shape:
    """Guests in VLAN 30 of the bridge that also carries the hosts; four ways to write a row."""
    networks = {
        "management": {"bridge": "vmbr0", "cidr": "10.9.0.0/24"},
        "guests": {"bridge": "vmbr0", "vlan_tag": 30, "cidr": "192.168.0.0/24", "gateway": "192.168.0.1"},
    }
    rows = [
        flat(1),
        machine(2, "worker", networks=[{"bridge": "guests", "addresses": ["192.168.0.12"]}]),
        machine(3, "worker", networks=[{"bridge": "vmbr0", "vlan_tag": 30, "addresses": ["192.168.0.13"]}]),
        machine(4, "worker", networks=[{"bridge": "vmbr0", "addresses": ["192.168.0.14"]}]),
    ]
    hosts = [{"name": "pve1", "address": "10.9.0.2"}]
    vip = {**SITE["vip"], "network": "guests"}
    return Shape(rows, site(networks=networks, cluster_network="guests", vip=vip, dns=None, proxmox_hosts=hosts))


def dhcp_with_a_fixed_mac() -> Shape:
    """On the VIP's network; that of the cluster wants addresses that stay."""
    networks = [
        {"bridge": "vmbr0", "addresses": ["dhcp"], "mac": "bc:24:11:00:00:01"},
        {"bridge": "vmbr1", "addresses": ["10.0.0.11/24"]},
    ]
    return Shape([machine(1, networks=networks)], site())


def foreign_dns() -> Shape:
    return Shape(cluster(), site(dns={"servers": ["192.168.0.53"]}))


def one_master() -> Shape:
    """One control-plane node and no worker."""
    return Shape(cluster(1, 0), site())


def five_masters() -> Shape:
    return Shape(cluster(5, 1), site())


def several_hosts() -> Shape:
    """Six machines in turn on three Proxmox hosts."""
    machines = [{**row, "pve_node": f"pve{number % 3 + 1}"} for number, row in enumerate(cluster(3, 3))]
    for row, number in zip(machines, range(20, 30)):
        row["networks"][0]["addresses"] = [f"192.168.0.{number}/24"]
    return Shape(machines, site(proxmox_hosts=HOSTS))


def ipv6_beside_ipv4() -> Shape:
    """The first of two nodes has an address of each kind, beside the cluster's network."""
    networks = copy.deepcopy(SITE["networks"])
    networks["vmbr0"].update(cidr6="fd00:1::/64", gateway6="fe80::1")
    machines = cluster(1, 1)
    machines[0]["networks"][0]["addresses"].append("fd00:1::11")
    return Shape(machines, site(networks=networks))


def arm64(word: str = "arm64") -> Shape:
    return Shape([{**row, "arch": word} for row in cluster(1, 1)], site())


SHAPES: dict[str, Callable[[], Shape]] = {
    "one NIC": one_nic,
    "VLAN tag": vlan_tag,
    "DHCP with a fixed MAC": dhcp_with_a_fixed_mac,
    "foreign DNS": foreign_dns,
    "one master": one_master,
    "five masters": five_masters,
    "several hosts": several_hosts,
    "IPv6 beside IPv4": ipv6_beside_ipv4,
    "arm64": arm64,
}
