"""Entries of cluster/resources, used by the listings of pools too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.pve import pools
from lab.pve.stats import GIB, MIB, storage_figures

if TYPE_CHECKING:
    from lab.pve.world import World


def guest_entry(world: World, record: dict[str, Any]) -> dict[str, Any]:
    """A guest: id, node, lock, tags and pool as they are now, the rest as last reported."""
    vmid = str(record["vmid"])
    entry = {"id": f"{record['kind']}/{vmid}", "type": record["kind"], "vmid": record["vmid"], "node": record["node"],
             **world.stats.guest(vmid)}
    entry.update({key: record["config"][key] for key in ("lock", "tags") if record["config"].get(key)})
    pool = pools.pool_of(world, record["vmid"])
    if pool:
        entry["pool"] = pool
    if record.get("ha"):
        entry["hastate"] = "started" if record.get("running") else "stopped"
    return entry


def node_figures(world: World, node: dict[str, Any]) -> dict[str, Any]:
    """What a node reports of itself; guests that run use up its memory."""
    running = [record for record in world.state.guests.values()
               if record["node"] == node["name"] and record.get("running")]
    memory = int(node["memory_mb"]) * MIB
    used = min(memory, 2 * GIB + sum(_memory(record) for record in running))
    return {"maxcpu": int(node["cpus"]), "maxmem": memory, "mem": used, "cpu": round(0.01 + 0.02 * len(running), 4),
            "disk": 6 * GIB, "maxdisk": 94 * GIB, "uptime": max(1, world.clock.now() - int(node["started"]))}


def _memory(record: dict[str, Any]) -> int:
    text = str(record["config"].get("memory", 512)).split(",")[0].removeprefix("current=")
    return int(text) * MIB


def node_entry(world: World, node: dict[str, Any], *, full: bool) -> dict[str, Any]:
    """A node; without the right to audit it only that it is there."""
    online = bool(node.get("online", True))
    entry = {"id": f"node/{node['name']}", "type": "node", "node": node["name"],
             "status": "online" if online else "offline"}
    if full and online:
        entry.update(node_figures(world, node), level="", **{"cgroup-mode": 2})
    return entry


def storage_entry(world: World, node: str, storage: str) -> dict[str, Any] | None:
    """A storage on a node, or None when it is not for that node."""
    found = world.state.storages.get(storage)
    if found is None or found.get("disable") or (found.get("nodes") and node not in found["nodes"]):
        return None
    figures = storage_figures(world, node, storage)
    content = found["content"] if isinstance(found["content"], str) else ",".join(sorted(found["content"]))
    return {"id": f"storage/{node}/{storage}", "type": "storage", "storage": storage, "node": node,
            "plugintype": found["type"], "content": content, "shared": int(bool(found.get("shared"))),
            "status": "available", "disk": figures["used"], "maxdisk": figures["total"]}
