"""What the lab takes from a site: hosts, bridges, the router's addresses, image names. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

import yaml

from lab.nodes.namespace import Bridge

DEFAULT_MTU = 1500
FILE_PORT = 8080
API_PORT = 8006


class SiteUnusable(ValueError):
    """The site's data lacks what the lab stands on."""


@dataclass(frozen=True)
class Plan:
    """A lab in numbers: the Proxmox host's name and address, bridges, where files are served."""

    node: str
    address: str
    bridges: Sequence[Bridge]
    file_server: str  # address of the router that serves the lab's files
    image_names: Sequence[str]

    @property
    def files_url(self) -> str:
        return f"http://{self.file_server}:{FILE_PORT}"


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
    bridges: dict[str, Bridge] = {}
    for name, network in networks.items():
        bridge = network.get("bridge") or name
        made = _bridge(bridge, name, network, hosts, name == management)
        bridges[bridge] = _joined(bridges[bridge], made) if bridge in bridges else made
    gateway = bridges[networks[management].get("bridge") or management].gateway
    assert gateway is not None
    return Plan(
        node=first["name"],
        address=first["address"],
        bridges=tuple(bridges.values()),
        file_server=str(ip_interface(gateway).ip),
        image_names=tuple(image_name(template) for template in site.get("templates") or ()),
    )


def image_name(template: Mapping[str, Any]) -> str:
    """File name of a template's cloud image on the file server."""
    image = template.get("image") or {}
    return str(image.get("filename") or image.get("url", "").rsplit("/", 1)[-1] or f"{template['name']}.qcow2")


def _network_of(address: str, networks: Mapping[str, Any]) -> str | None:
    for name, network in networks.items():
        if ip_address(address) in ip_network(network["cidr"]):
            return name
    return None


def _bridge(bridge: str, name: str, network: Mapping[str, Any], hosts: list[Any], management: bool) -> Bridge:
    cidr = ip_network(network["cidr"])
    addresses = []
    for host in hosts:
        for address in (host["address"], *(host.get("addresses") or {}).values()):
            with_prefix = f"{str(address).split('/')[0]}/{cidr.prefixlen}"
            if ip_interface(with_prefix).ip in cidr and with_prefix not in addresses:
                addresses.append(with_prefix)
    gateway = network.get("gateway")
    if gateway is None and management:
        # Files come from somewhere: the last address of a network without a router stands in for it.
        gateway = cidr.broadcast_address - 1
    return Bridge(
        bridge, network.get("mtu") or DEFAULT_MTU, tuple(addresses), f"{gateway}/{cidr.prefixlen}" if gateway else None
    )


def _joined(one: Bridge, other: Bridge) -> Bridge:
    """Two networks on one bridge (by VLAN tag): the lab keeps the first one's router."""
    return Bridge(one.name, max(one.mtu, other.mtu), (*one.addresses, *other.addresses), one.gateway or other.gateway)
