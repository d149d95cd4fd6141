"""/nodes: the hosts themselves."""

from __future__ import annotations

import time
from typing import Any

from lab.pve.api.cluster import RELEASES
from lab.pve.registry import Call, operation
from lab.pve.resources import node_figures
from lab.pve.stats import GIB

KERNEL = "6.17.2-1-pve"


@operation("GET", "/nodes")
async def index(call: Call) -> list[dict[str, Any]]:
    found = []
    for name, node in sorted(call.world.state.nodes.items()):
        online = bool(node.get("online", True))
        entry = {"node": name, "id": f"node/{name}", "type": "node", "status": "online" if online else "offline",
                 "ssl_fingerprint": call.world.fingerprint}
        if online and call.can(f"/nodes/{name}", "Sys.Audit"):
            entry.update(node_figures(call.world, node), level="")
        found.append(entry)
    return found


@operation("GET", "/nodes/{node}/version")
async def version(call: Call) -> dict[str, str]:
    return RELEASES[call.world.version]


@operation("GET", "/nodes/{node}/time")
async def clock(call: Call) -> dict[str, Any]:
    return {"timezone": "UTC", "time": int(time.time()), "localtime": int(time.time())}


@operation("GET", "/nodes/{node}/status")
async def status(call: Call) -> dict[str, Any]:
    node = call.world.state.nodes[call.node]
    figures = node_figures(call.world, node)
    cpus = figures["maxcpu"]
    free = figures["maxmem"] - figures["mem"]
    root = {"total": figures["maxdisk"], "used": figures["disk"], "avail": figures["maxdisk"] - figures["disk"]}
    return {
        "uptime": figures["uptime"], "cpu": figures["cpu"], "wait": 0, "idle": 0, "loadavg": ["0.10", "0.08", "0.05"],
        "memory": {"total": figures["maxmem"], "used": figures["mem"], "free": free, "available": free},
        "swap": {"total": 8 * GIB, "used": 0, "free": 8 * GIB},
        "ksm": {"shared": 0},
        "rootfs": {**root, "free": root["avail"]},
        "cpuinfo": {"model": "Emulated CPU", "cpus": cpus, "cores": cpus, "sockets": 1, "mhz": "3000.000", "hvm": "1",
                    "user_hz": 100, "flags": "vmx"},
        "pveversion": f"pve-manager/{RELEASES[call.world.version]['version']}/{RELEASES[call.world.version]['repoid']}",
        "kversion": f"Linux {KERNEL} #1 SMP PREEMPT_DYNAMIC PMX",
        "current-kernel": {"sysname": "Linux", "release": KERNEL, "version": "#1 SMP PREEMPT_DYNAMIC PMX",
                           "machine": "x86_64"},
        "boot-info": {"mode": "efi", "secureboot": 0},
    }
