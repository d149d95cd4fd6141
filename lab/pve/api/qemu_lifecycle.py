"""Virtual machines come and go: list, create, clone, template, migrate, destroy."""

from __future__ import annotations

from typing import Any

from lab.pve.errors import ParameterError
from lab.pve.guests import lab_operations, startup  # noqa: F401 - register themselves
from lab.pve.qemu import (
    clone,
    create,
    destroy,
    drives,
    make_template,  # noqa: F401 - registers itself
    migrate,
    power,
    status,
    template,
)
from lab.pve.qemu.guest import Guest, guests_of, load
from lab.pve.registry import Call, operation

BASE = "/nodes/{node}/qemu/{vmid}"


def _guest(call: Call) -> Guest:
    return load(call.world, int(call.vmid or 0), call.node)


@operation("GET", "/nodes/{node}/qemu")
async def listing(call: Call) -> list[dict[str, Any]]:
    await power.follow_backend(call.world)
    return [status.listed(guest) for guest in guests_of(call.world, call.node)
            if call.can(f"/vms/{guest.vmid}", "VM.Audit")]


@operation("POST", "/nodes/{node}/qemu")
async def make(call: Call) -> str:
    change, vmid, node = create.read(call), int(call.vmid or 0), str(call.node)
    pool, start = call.params.get("pool"), bool(call.params.get("start"))
    return call.start_task("qmcreate", vmid, lambda task: create.run(task, vmid, node, change, pool, start))


@operation("POST", f"{BASE}/clone")
async def copy(call: Call) -> str:
    order = clone.read(call)
    return call.start_task("qmclone", order.source, lambda task: clone.run(task, order))


@operation("POST", f"{BASE}/template")
async def to_template(call: Call) -> str:
    guest = _guest(call)
    template.check(guest)
    return call.start_task("qmtemplate", guest.vmid, lambda task: template.run(
        task, guest.vmid, guest.node, call.params.get("disk")))


@operation("DELETE", BASE)
async def remove(call: Call) -> str:
    guest, params = _guest(call), call.params
    if params.get("skiplock") and call.identity != "root@pam":
        raise ParameterError({"skiplock": "Only root may use this option."})
    await guest.is_running()
    purge, unreferenced = bool(params.get("purge")), bool(params.get("destroy-unreferenced-disks"))
    destroy.check(guest, purge)
    return call.start_task("qmdestroy", guest.vmid, lambda task: destroy.run(
        task, guest.vmid, guest.node, purge, unreferenced))


@operation("GET", f"{BASE}/migrate")
async def migrate_preconditions(call: Call) -> dict[str, Any]:
    guest = _guest(call)
    local = [{"volid": volume["volid"], "size": volume["size"], "cdrom": int("cloudinit" in volume["name"]),
              "is_unused": 0} for volume in migrate.local_volumes(guest)]
    allowed = [node for node in call.world.state.nodes if node != guest.node]
    return {"running": int(guest.running), "local_disks": local, "local_resources": [], "mapped-resources": [],
            "mapped-resource-info": {}, "has-dbus-vmstate": 1, "allowed_nodes": allowed, "not_allowed_nodes": {}}


@operation("POST", f"{BASE}/migrate")
async def move(call: Call) -> str:
    guest, target, online = _guest(call), call.params["target"], bool(call.params.get("online"))
    migrate.check(guest, target, online)
    return call.start_task("qmigrate", guest.vmid, lambda task: migrate.run(
        task, guest.vmid, guest.node, target, online))


@operation("GET", f"{BASE}/feature")
async def feature(call: Call) -> dict[str, Any]:
    guest, wanted = _guest(call), call.params["feature"]
    kinds = {call.world.state.storages[drive.storage]["type"] for drive in drives.of(guest.config)
             if drive.storage and not drive.is_cdrom}
    able = {"copy": True, "clone": "lvm" not in kinds and guest.is_template, "snapshot": "lvm" not in kinds}[wanted]
    return {"hasFeature": int(able), "nodes": [guest.node] if able else []}
