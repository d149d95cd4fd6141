"""Small sites for tests: one that is right, and the means to change it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.detectviz.infra.plugins.plugin_utils.load import Site, load_site
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import SiteError

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


def cluster(masters: int = 3, workers: int = 1) -> list[dict[str, Any]]:
    return [machine(number, "control_plane" if number <= masters else "worker") for number in range(1, masters + workers + 1)]


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


def load(folder: Path, tables: str = "tables/machines.yml") -> Site:
    return load_site([tables], ["group_vars/all/site.yml"], folder)


def problems_of(folder: Path, machines: Any, data: Any = None) -> list[str]:
    """The texts of every problem of a site; none if it is right."""
    write(folder, machines, data)
    try:
        load(folder)
    except SiteError as error:
        return [str(problem) for problem in error.problems]
    return []
