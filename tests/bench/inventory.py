"""A long node table beside the same inventory written out as static YAML, both loaded by `ansible-inventory --list`."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.bench.runs import environment, program

ROUNDS = 3
SITE = {
    "site_name": "bench",
    "proxmox_hosts": [{"name": "pve", "address": "198.18.255.10"}],
    "networks": {"vmbr0": {"cidr": "198.18.0.0/16", "gateway": "198.18.255.1", "mtu": 1500}},
    "cluster_network": "vmbr0",
    "vip": {"address": "198.18.255.20", "name": "k8s-api", "network": "vmbr0"},
    # Each node gets a /24 of it, and the table has a thousand.
    "pod_cidrs": ["10.128.0.0/14"],
    "service_cidrs": ["10.96.0.0/12"],
    "load_balancer_pool": ["198.18.255.30-198.18.255.39"],
    "dns": {"servers": ["198.18.255.1"]},
    "guest_defaults": {"template": "debian", "storage": "local-lvm", "user": "debian", "ssh_keys": []},
}


@dataclass(frozen=True)
class Loaded:
    """Seconds of the fastest of three rounds."""

    rows: int
    node_table: float
    static: float


def compare(folder: Path, rows: int) -> Loaded:
    """Times both. RuntimeError when one cannot be loaded, or when they do not say the same."""
    table, static = folder / "table", folder / "static"
    for place in (table, static):
        (place / "group_vars" / "all").mkdir(parents=True)
        _write(place / "group_vars" / "all" / "site.yml", SITE)
    _write(table / "machines.yml", {"machines": [_machine(number) for number in range(rows)]})
    source = table / "site.node_table.yml"
    _write(source, {"plugin": "detectviz.infra.node_table", "path": "machines.yml"})
    written = static / "hosts.yml"
    listed = _list(folder, source)
    _write(written, _as_static(listed))
    if _hosts(_list(folder, written)) != _hosts(listed):
        raise RuntimeError("the static inventory is not equal to that of the table")
    return Loaded(rows, _fastest(folder, source), _fastest(folder, written))


def _machine(number: int) -> dict[str, Any]:
    return {
        "name": f"node-{number}",
        "vm_id": 1000 + number,
        "node_role": "control_plane" if number < 3 else "worker",
        "cores": 2,
        "memory_mb": 4096,
        "disks": [{"name": "system", "size_gb": 20}],
        "networks": [{"bridge": "vmbr0", "addresses": [f"198.18.{number // 250}.{1 + number % 250}/16"]}],
    }


def _write(path: Path, data: Any) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


def _list(folder: Path, source: Path) -> dict[str, Any]:
    command = [program("ansible-inventory"), "-i", str(source), "--list"]
    settings = environment(folder)
    done = subprocess.run(command, env=settings, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0 or "[WARNING]" in done.stderr:
        raise RuntimeError(f"{source.name} could not be loaded:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout, object_hook=lambda value: value.get("__ansible_unsafe", value))


def _fastest(folder: Path, source: Path) -> float:
    seconds = []
    for _round in range(ROUNDS):
        began = time.monotonic()
        _list(folder, source)
        seconds.append(time.monotonic() - began)
    return min(seconds)


def _hosts(listed: dict[str, Any]) -> tuple[dict[str, Any], dict[str, set[str]]]:
    """Variables of each host, and members of each group that has some."""
    groups = {name: set(group["hosts"]) for name, group in listed.items() if name != "_meta" and group.get("hosts")}
    return listed["_meta"]["hostvars"], groups


def _as_static(listed: dict[str, Any]) -> dict[str, Any]:
    """The YAML that says the same, as one would write it: what all hosts share is said once, beside the site's file."""
    hosts = listed["_meta"]["hostvars"]
    first = next(iter(hosts.values()))
    shared = {key: value for key, value in first.items() if all(own.get(key) == value for own in hosts.values())}
    own = {name: {key: value for key, value in values.items() if key not in shared} for name, values in hosts.items()}
    groups = {
        name: {"hosts": dict.fromkeys(group.get("hosts", [])), "children": dict.fromkeys(group.get("children", []))}
        for name, group in listed.items()
        if name not in ("_meta", "all")
    }
    said = {key: value for key, value in shared.items() if key not in SITE}
    return {"all": {"hosts": own, "vars": said, "children": groups}}
