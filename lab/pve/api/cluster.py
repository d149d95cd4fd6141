"""/version and /cluster: resources, free ids, status, recent tasks, options."""

from __future__ import annotations

from typing import Any

from lab.pve.errors import ParameterError, died
from lab.pve.registry import Call, operation
from lab.pve.resources import guest_entry, node_entry, storage_entry

# release -> what the node says of itself
RELEASES = {
    "9.1": {"version": "9.1.11", "release": "9.1", "repoid": "5d9e1cb8b4c8f3a1"},
    "9.2": {"version": "9.2.11", "release": "9.2", "repoid": "7c41a0e2f5d0b693"},
}
# /cluster/tasks shows no more than this, running ones first
RECENT_TASKS = 25


@operation("GET", "/version")
async def version(call: Call) -> dict[str, str]:
    return RELEASES[call.world.version]


@operation("GET", "/cluster/resources")
async def resources(call: Call) -> list[dict[str, Any]]:
    """Guests without VM.Audit are left out without a word."""
    wanted = call.params.get("type")
    found: list[dict[str, Any]] = []
    if wanted is None:
        found += [{"id": f"/pool/{name}", "type": "pool", "pool": name} for name in sorted(call.world.state.pools)
                  if call.can(f"/pool/{name}", "Pool.Audit")]
    if wanted in (None, "vm"):
        found += [guest_entry(call.world, record) for record in call.world.state.guests.values()
                  if call.can(f"/vms/{record['vmid']}", "VM.Audit")]
    nodes = call.world.state.nodes
    if wanted in (None, "node"):
        found += [node_entry(call.world, node, full=call.can(f"/nodes/{name}", "Sys.Audit"))
                  for name, node in sorted(nodes.items())]
    if wanted in (None, "storage"):
        found += _storages(call)
    if wanted in (None, "sdn") and call.can("/sdn/zones/localnetwork", "SDN.Audit", "SDN.Use", any=True):
        found += [{"id": f"sdn/{name}/localnetwork", "type": "sdn", "sdn": "localnetwork", "node": name,
                   "status": "ok"} for name in sorted(nodes)]
    return found


def _storages(call: Call) -> list[dict[str, Any]]:
    found = []
    for node in sorted(call.world.state.nodes):
        for storage in sorted(call.world.state.storages):
            if call.can(f"/storage/{storage}", "Datastore.Audit", "Datastore.AllocateSpace", any=True):
                entry = storage_entry(call.world, node, storage)
                found += [entry] if entry else []
    return found


@operation("GET", "/cluster/nextid")
async def next_id(call: Call) -> str:
    """The lowest id that no guest has, seen or hidden. Nothing is reserved."""
    taken = call.world.state.guests
    if "vmid" in call.params:
        if str(call.params["vmid"]) in taken:
            raise ParameterError({"vmid": f"VM {call.params['vmid']} already exists"})
        return str(call.params["vmid"])
    for vmid in range(100, 1_000_000):
        if str(vmid) not in taken:
            return str(vmid)
    raise died("unable to get any free VMID in range [100, 1000000]")


@operation("GET", "/cluster/status")
async def status(call: Call) -> list[dict[str, Any]]:
    nodes = call.world.state.nodes
    online = [name for name, node in nodes.items() if node.get("online", True)]
    found: list[dict[str, Any]] = []
    if call.world.cluster_name:
        found.append({"id": "cluster", "type": "cluster", "name": call.world.cluster_name, "nodes": len(nodes),
                      "quorate": int(2 * len(online) > len(nodes)), "version": len(nodes)})
    for number, (name, node) in enumerate(sorted(nodes.items()), start=1):
        found.append({"id": f"node/{name}", "type": "node", "name": name, "ip": node["address"], "level": "",
                      "local": int(name == call.world.local_node), "online": int(name in online),
                      "nodeid": number if call.world.cluster_name else 0})
    return found


@operation("GET", "/cluster/tasks")
async def tasks(call: Call) -> list[dict[str, Any]]:
    """Running tasks, then finished ones up to 25 in all. A token without Sys.Audit on / sees none, not even its own."""
    audits = call.can("/", "Sys.Audit")
    found = call.world.tasks.active() + call.world.tasks.archived()
    running = [task for task in found if "status" not in task]
    shown = running + [task for task in found if "status" in task][: max(0, RECENT_TASKS - len(running))]
    return [task for task in shown if audits or task["user"] == call.identity]


@operation("GET", "/cluster/options")
async def options(call: Call) -> dict[str, Any]:
    """datacenter.cfg; without Sys.Audit only what the web interface needs."""
    found = call.world.state.options.get("datacenter", {})
    if call.can("/", "Sys.Audit"):
        return found
    return {key: found[key] for key in ("console", "tag-style", "user-tag-access") if key in found}
