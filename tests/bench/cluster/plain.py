"""What a further machine costs: a table of workers alone, which grows from few to many plain guests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.bench.cluster.plays import play
from tests.lab.conftest import LabCommand
from tests.lab.test_site import guests

# P1, and the systems of the nodes. The machines do not ping each other: that grows with the square of their number.
RUN = ["site.yml", "--tags", "p1,p2_nodes", "--extra-vars", "machine_checks_over_ssh=false"]
FIRST_ID = 201
SITE: dict[str, Any] = {
    "site_name": "plain",
    "proxmox_hosts": [
        {"name": "proxmox", "address": "192.168.0.2", "addresses": {"vmbr1": "10.0.0.2"}, "cpu": 64,
         "memory_mb": 262144, "storages": [{"name": "nvme-vm", "type": "lvmthin"}, {"name": "local"}]},
    ],
    "networks": {
        "vmbr0": {"cidr": "192.168.0.0/24", "gateway": "192.168.0.1", "mtu": 9000},
        "vmbr1": {"cidr": "10.0.0.0/24", "mtu": 9000},
    },
    "vip": {"address": "192.168.0.10", "name": "k8s-api.detectviz.internal", "network": "vmbr0"},
    "cluster_network": "vmbr1",
    "pod_cidrs": ["10.244.0.0/16"],
    "service_cidrs": ["10.96.0.0/12"],
    "load_balancer_pool": ["192.168.0.200-192.168.0.220"],
    "templates": [
        {"name": "debian-12-template", "vm_id": 9000, "storage": "nvme-vm",
         "image": {"url": "https://example.org/debian-12.qcow2", "checksum": "sha256:0"}},
    ],
    "dns": {
        "servers": ["192.168.0.2"],
        "search": ["detectviz.internal", "cluster.internal"],
        "zones": [{"name": "detectviz.internal", "network": "vmbr0"}, {"name": "cluster.internal", "network": "vmbr1"}],
    },
    "guest_defaults": {"template": "debian-12-template", "storage": "nvme-vm", "user": "debian", "ssh_keys": []},
}  # fmt: skip


@dataclass(frozen=True)
class Plain:
    """Seconds: of the run that made the guests that were new, and of the one after it, which had nothing to do."""

    guests: int
    made: float
    still: float


def grow(lab: LabCommand, folder: Path, counts: list[int]) -> list[Plain]:
    """The lab is up afterwards."""
    measured = []
    for count in counts:
        write_site(folder, count)
        lab("up", "--yes", "--site", str(folder))
        made = play(lab, *RUN).seconds
        still = play(lab, *RUN)
        assert still.changed == 0, still.said
        assert len(guests(lab)) == count
        measured.append(Plain(count, made, still.seconds))
    return measured


def write_site(folder: Path, count: int) -> Path:
    """The inventory of so many plain guests."""
    (folder / "group_vars/all").mkdir(parents=True, exist_ok=True)
    (folder / "group_vars/all/site.yml").write_text(yaml.safe_dump(SITE))
    (folder / "machines.yml").write_text(yaml.safe_dump({"machines": [_machine(number) for number in range(count)]}))
    inventory = folder / "site.node_table.yml"
    inventory.write_text(yaml.safe_dump({"plugin": "detectviz.infra.node_table", "path": "machines.yml"}))
    return inventory


def per_guest(measured: list[Plain]) -> float:
    """Seconds that one more guest adds to a run with nothing to do."""
    few, many = measured[0], measured[-1]
    return (many.still - few.still) / (many.guests - few.guests)


def _machine(number: int) -> dict[str, Any]:
    return {
        "name": f"plain-{number + 1}",
        "vm_id": FIRST_ID + number,
        "node_role": "worker",
        "cores": 1,
        "memory_mb": 1024,
        "disks": [{"name": "system", "size_gb": 20}],
        "networks": [
            {"name": "eth0", "bridge": "vmbr0", "addresses": [f"192.168.0.{21 + number}/24"]},
            {"name": "eth1", "bridge": "vmbr1", "addresses": [f"10.0.0.{21 + number}/24"]},
        ],
    }
