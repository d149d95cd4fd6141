"""What the lab takes from a site: hosts, bridges, the router's addresses, image names. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import yaml

from lab.nodes.namespace import Bridge

DEFAULT_MTU = 1500
FILE_PORT = 8080
REGISTRY_PORT = 5000
API_PORT = 8006


class SiteUnusable(ValueError):
    """The site's data lacks what the lab stands on."""


@dataclass(frozen=True)
class Plan:
    """A lab in numbers.

    `node`, `address`: the first Proxmox host; `bridge`: what it is managed through; `gateways`: the router's address
    (with prefix) by bridge; `file_server`: the router's address that serves the lab's files.
    """

    node: str
    address: str
    bridge: Bridge
    gateways: Mapping[str, str]
    file_server: str
    image_names: Sequence[str]

    @property
    def files_url(self) -> str:
        return f"http://{self.file_server}:{FILE_PORT}"

    @property
    def registry_url(self) -> str:
        return f"http://{self.file_server}:{REGISTRY_PORT}"


def read_site(folder: Path) -> dict[str, Any]:
    """Site data of group_vars/all (a later file wins per key, as Ansible has it)."""
    files = sorted((folder / "group_vars/all").glob("*.yml"))
    if not files:
        raise SiteUnusable(f"{folder}: no site data in group_vars/all; is this a site's folder?")
    data: dict[str, Any] = {}
    for path in files:
        data.update(yaml.safe_load(path.read_text()) or {})
    return data


def plan(site: Mapping[str, Any]) -> Plan:
    """Raises SiteUnusable with what is missing."""
    hosts, networks = site.get("proxmox_hosts"), site.get("networks")
    if not hosts or not networks:
        raise SiteUnusable("the lab needs proxmox_hosts and networks in the site's data")
    first = hosts[0]
    management = _network_of(first["address"], networks)
    if management is None:
        raise SiteUnusable(f"proxmox_hosts: {first['address']} of {first['name']} lies in no network of the site")
    bridge = _management_bridge(management, networks[management], hosts)
    gateways = {
        network.get("bridge") or name: f"{network['gateway']}/{ip_network(network['cidr']).prefixlen}"
        for name, network in networks.items()
        if network.get("gateway")
    }
    return Plan(
        node=first["name"],
        address=first["address"],
        bridge=bridge,
        gateways={**gateways, bridge.name: str(bridge.gateway)},
        file_server=str(bridge.gateway).split("/")[0],
        image_names=tuple(image_name(template) for template in site.get("templates") or ()),
    )


def image_name(template: Mapping[str, Any]) -> str:
    """File name of a template's cloud image on the file server."""
    return f"{template['name']}.qcow2"


def _network_of(address: str, networks: Mapping[str, Any]) -> str | None:
    for name, network in networks.items():
        if ip_address(address) in ip_network(network["cidr"]):
            return name
    return None


def _management_bridge(name: str, network: Mapping[str, Any], hosts: Sequence[Mapping[str, Any]]) -> Bridge:
    cidr = ip_network(network["cidr"])
    # Files come from somewhere: the last address of a network without a router stands in for it.
    gateway = network.get("gateway") or cidr.broadcast_address - 1
    addresses = [host["address"] for host in hosts if ip_address(host["address"]) in cidr]
    return Bridge(
        name=network.get("bridge") or name,
        mtu=network.get("mtu") or DEFAULT_MTU,
        addresses=tuple(f"{address}/{cidr.prefixlen}" for address in addresses),
        gateway=f"{gateway}/{cidr.prefixlen}",
    )
