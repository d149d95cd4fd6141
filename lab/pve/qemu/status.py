"""What the API says about a machine's state and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.pve.providers import provider
from lab.pve.qemu import drives, propstring, spec
from lab.pve.qemu.create import QEMU
from lab.pve.qemu.guest import Guest

if TYPE_CHECKING:
    from lab.pve.world import World

MIB = 1024**2


def max_disk(config: dict) -> int:
    """Bytes of the boot disk."""
    key = spec.boot_disk(config)
    return (drives.parse(key, config[key]).size or 0) if key else 0


@provider("guest")
def figures(world: World, record: dict[str, Any]) -> dict[str, Any]:
    """Figures as pvestatd reports them."""
    guest = Guest(world, record)
    memory = spec.memory_of(guest.config) * MIB
    running = guest.running
    uptime = max(world.clock.now() - record["started"], 0) if running and record.get("started") else 0
    return {"name": guest.name, "status": "running" if running else "stopped", "template": int(guest.is_template),
            "maxcpu": spec.cores_of(guest.config), "maxmem": memory, "maxdisk": max_disk(guest.config), "disk": 0,
            "diskread": 0, "diskwrite": 0, "netin": 0, "netout": 0, "cpu": 0.01 if running else 0,
            "mem": memory // 4 if running else 0, "uptime": uptime}


def listed(guest: Guest) -> dict[str, Any]:
    """An entry of GET /nodes/{node}/qemu."""
    found = figures(guest.world, guest.record)
    template, cpus = found.pop("template"), found.pop("maxcpu")
    entry = {"vmid": guest.vmid, "cpus": cpus, **found}
    if template:
        entry["template"] = 1
    for key in ("lock", "tags"):
        if guest.config.get(key):
            entry[key] = guest.config[key]
    if guest.running:
        entry["pid"] = 10_000 + guest.vmid
    return entry


def current(guest: Guest) -> dict[str, Any]:
    """GET .../status/current"""
    entry = listed(guest)
    entry["ha"] = {"managed": 1, "state": "started"} if guest.record.get("ha") else {"managed": 0}
    entry["qmpstatus"] = entry["status"]
    agent = propstring.parse(str(guest.config.get("agent", "0")), "enabled")
    if propstring.truth(agent.get("enabled", 0)):
        entry["agent"] = 1
    if any(f"serial{index}" in guest.config for index in range(4)):
        entry["serial"] = 1
    if guest.running:
        entry["running-machine"] = f"pc-{'q35' if 'q35' in guest.config.get('machine', '') else 'i440fx'}-11.0"
        entry["running-qemu"] = QEMU
    return entry
