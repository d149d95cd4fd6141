"""The hosts and storages an emulated cluster starts with: those of a site, or a plain default."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.pve.profiles import SHARED_TYPES, Profile
from lab.pve.storage.config import CONTENT, default_storages

_FILES = ["iso", "vztmpl", "backup", "snippets", "import"]


@dataclass
class Layout:
    """`nodes` and `storages` as the state keeps them (lab.pve.state); `bridge` is the management bridge."""

    nodes: list[dict[str, Any]]
    storages: list[dict[str, Any]]
    bridge: dict[str, Any] = field(default_factory=dict)
    cluster: str | None = None


def default_layout(count: int, profile: Profile) -> Layout:
    """`pve`, or pve1…pveN in a cluster, with the storages of the profile."""
    names = ["pve"] if count == 1 else [f"pve{number}" for number in range(1, count + 1)]
    nodes = [_node(name, f"192.168.0.{number}", 16, 64 * 1024) for number, name in enumerate(names, start=2)]
    bridge = {"iface": "vmbr0", "prefix": 24, "gateway": "192.168.0.1", "mtu": 1500}
    return Layout(nodes, default_storages(profile), bridge, "lab" if count > 1 else None)


def site_layout(folder: Path, profile: Profile) -> Layout:
    """From a site's data. ValueError names the file and what it lacks."""
    data: dict[str, Any] = {}
    files = sorted((folder / "group_vars" / "all").glob("*.yml"))
    for path in files:
        data.update(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    hosts = data.get("proxmox_hosts")
    if not hosts:
        raise ValueError(f"{folder}/group_vars/all/*.yml has no proxmox_hosts; name at least one host with its address")
    nodes = [_node(host["name"], str(host.get("address", "")).split("/")[0], _number(host.get("cpu"), 16),
                   _number(host.get("memory_mb"), 64 * 1024)) for host in hosts]
    storages = _storages(data, hosts) or default_storages(profile)
    name = str(data.get("site_name") or "lab") if len(nodes) > 1 else None
    return Layout(nodes, storages, _management_bridge(data, nodes[0]["address"]), name)


def _node(name: str, address: str, cpus: int, memory_mb: int) -> dict[str, Any]:
    return {"name": name, "address": address, "cpus": cpus, "memory_mb": memory_mb, "online": True}


def _number(value: Any, default: int) -> int:
    """A count; a host's CPU may also be described in words."""
    if isinstance(value, dict):
        value = value.get("cores") or value.get("threads")
    return int(value) if str(value or "").isdigit() else default


def _storages(data: dict[str, Any], hosts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Storages of the site's own list, and those that hosts describe; one id on several hosts is one storage."""
    found: dict[str, dict[str, Any]] = {}
    described = [(None, entry) for entry in data.get("storages") or []]
    described += [(host["name"], entry) for host in hosts for entry in host.get("storages") or []]
    for host, entry in described:
        entry = {"name": entry} if isinstance(entry, str) else entry
        storage = found.setdefault(entry["name"], {"storage": entry["name"], "nodes": None})
        storage.update({key: value for key, value in entry.items() if key != "name" and value is not None})
        if host is not None and "nodes" not in entry:
            storage["nodes"] = sorted({*(storage["nodes"] or []), host})
    for storage in found.values():
        _complete(storage, len(hosts))
    return list(found.values())


def _complete(storage: dict[str, Any], hosts: int) -> None:
    name = storage["storage"]
    kind = storage.setdefault("type", _kind(name, many_hosts=len(storage["nodes"] or []) > 1))
    storage["shared"] = int(bool(storage.get("shared")) or kind in SHARED_TYPES)
    storage.setdefault("size_gb", 100 if kind == "dir" else 1000)
    default = _FILES if name == "local" else list(CONTENT.get(kind, CONTENT["dir"])[1])
    content = storage.get("content") or default
    storage["content"] = content.split(",") if isinstance(content, str) else list(content)
    if kind == "dir":
        storage.setdefault("path", "/var/lib/vz" if name == "local" else f"/mnt/{name}")
    if kind == "lvmthin":
        storage.setdefault("vgname", "pve")
        storage.setdefault("thinpool", "data")
    if storage["nodes"] and len(storage["nodes"]) == hosts:
        storage["nodes"] = None


def _kind(name: str, *, many_hosts: bool) -> str:
    """The type of a storage of which the site gives only the name."""
    if name == "local":
        return "dir"
    return "nfs" if many_hosts and not name.startswith("local") else "lvmthin"


def _management_bridge(data: dict[str, Any], address: str) -> dict[str, Any]:
    """The bridge of the network that the first host's address is in."""
    for name, network in (data.get("networks") or {}).items():
        cidr = ipaddress.ip_network(network["cidr"], strict=False)
        if address and ipaddress.ip_address(address) in cidr:
            return {"iface": network.get("bridge") or name, "prefix": cidr.prefixlen, "gateway": network.get("gateway"),
                    "mtu": network.get("mtu", 1500)}
    return {"iface": "vmbr0", "prefix": 24, "gateway": None, "mtu": 1500}
