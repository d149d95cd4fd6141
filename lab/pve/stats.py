"""What pvestatd reports: figures of guests and storages that are up to ten seconds old.

`cluster/resources` takes name, status, template, cores and memory of a guest from here, so a new guest is first shown
without a name and as "unknown". Its id, node, lock, tags and pool are always fresh.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lab.pve.providers import provided

if TYPE_CHECKING:
    from lab.pve.world import World

PERIOD = 10.0
_SHORTEST = 0.05  # true seconds, for scales near zero
MIB, GIB = 1024**2, 1024**3


class Stats:
    """The last report of every node."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.guests: dict[str, dict[str, Any]] = {}
        self.refresh()

    async def run(self) -> None:
        """Report again and again."""
        while True:
            await asyncio.sleep(max(self._world.clock.real(PERIOD), _SHORTEST))
            self.refresh()

    def refresh(self) -> None:
        fresh = {}
        for vmid, record in self._world.state.guests.items():
            if self._world.state.nodes.get(record["node"], {}).get("online", True):
                fresh[vmid] = guest_figures(self._world, record)
        self.guests = fresh

    def guest(self, vmid: str) -> dict[str, Any]:
        """The figures of the last report, or what is shown before there is one."""
        return self.guests.get(vmid, {"status": "unknown"})


def guest_figures(world: World, record: dict[str, Any]) -> dict[str, Any]:
    """Figures of one guest now."""
    function = provided("guest")
    if function:
        return function(world, record)
    config = record["config"]
    running = bool(record.get("running"))
    memory = int(str(config.get("memory", 512)).split(",")[0].removeprefix("current="))
    started = record.get("started") or world.clock.now()
    return {
        "name": config.get("name") or f"VM {record['vmid']}",
        "status": "running" if running else "stopped",
        "template": int(str(config.get("template", 0)) == "1"),
        "maxcpu": int(config.get("cores", 1)) * int(config.get("sockets", 1)),
        "maxmem": memory * MIB,
        "maxdisk": 0,
        "disk": 0, "diskread": 0, "diskwrite": 0, "netin": 0, "netout": 0,
        "cpu": 0.01 if running else 0,
        "mem": memory * MIB // 4 if running else 0,
        "uptime": world.clock.now() - started if running else 0,
    }


def storage_figures(world: World, node: str, storage: str) -> dict[str, Any]:
    """{total, used, avail} of a storage on a node, in bytes."""
    function = provided("storage")
    if function:
        return function(world, node, storage)
    total = int(world.state.storages[storage].get("size_gb", 100)) * GIB
    return {"total": total, "used": 0, "avail": total}
