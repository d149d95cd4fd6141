"""Configuration of virtual machines: read, pending, change, cloud-init, resize, move."""

from __future__ import annotations

from typing import Any

from lab.pve.errors import died
from lab.pve.qemu import cloudinit, drives, resize, snippets, update
from lab.pve.qemu.guest import Guest, load, typed
from lab.pve.registry import Call, operation

BASE = "/nodes/{node}/qemu/{vmid}"


def _guest(call: Call) -> Guest:
    return load(call.world, int(call.vmid or 0), call.node)


@operation("GET", f"{BASE}/config")
async def config(call: Call) -> dict[str, Any]:
    guest = _guest(call)
    if call.params.get("snapshot"):
        raise died(f"snapshot '{call.params['snapshot']}' does not exist")
    shown = guest.config if call.params.get("current") else guest.merged()
    return {**{key: typed(key, value) for key, value in shown.items()}, "digest": guest.digest}


@operation("GET", f"{BASE}/pending")
async def pending(call: Call) -> list[dict[str, Any]]:
    guest = _guest(call)
    rows: list[dict[str, Any]] = []
    for key in sorted({*guest.config, *guest.pending}):
        row: dict[str, Any] = {"key": key}
        if key in guest.config:
            row["value"] = typed(key, guest.config[key])
        if key in guest.pending:
            row["pending"] = typed(key, guest.pending[key])
        if key in guest.pending_delete:
            row["delete"] = 2 if guest.pending_delete[key] else 1
        rows.append(row)
    return [*rows, {"key": "digest", "value": guest.digest}]


async def _change(call: Call, *, background: bool) -> str | None:
    vmid, node, world = int(call.vmid or 0), str(call.node), call.world
    change = update.read(call, vmid)
    if not (change.values or change.delete or change.revert):
        raise died("no options specified")
    guest = load(world, vmid, node)
    edit = world.faults.take("foreign_edit", vmid=vmid, node=node)
    if edit:
        guest.config["description"] = str(edit.get("text", "edited by someone else"))
        guest.save()
    guest.check_digest(change.digest)
    guest.check_lock()
    update.check_balloon(guest, change)
    if not background:
        lines: list[str] = []
        await update.apply(world, vmid, node, change, lines.append, lines.append)
        return None
    upid = call.start_task("qmconfig", vmid, lambda task: update.apply(world, vmid, node, change, task.log, task.warn))
    delay = call.params.get("background_delay")
    if delay is None:
        return upid
    status = await world.tasks.wait(upid, delay)
    if status is None:
        return upid
    if status != "OK" and not status.startswith("WARNINGS"):
        raise died(f"failed to update VM {vmid}: {status}")
    return None


@operation("POST", f"{BASE}/config")
async def change_in_background(call: Call) -> str | None:
    return await _change(call, background=True)


@operation("PUT", f"{BASE}/config")
async def change_now(call: Call) -> None:
    await _change(call, background=False)


@operation("PUT", f"{BASE}/unlink")
async def unlink(call: Call) -> None:
    call.params["delete"] = call.params.pop("idlist")
    await _change(call, background=False)


@operation("PUT", f"{BASE}/resize")
async def grow(call: Call) -> str:
    """All its checks are the worker's: what is wrong, even with the machine itself, is the end of the task."""
    vmid, params = int(call.vmid or 0), call.params

    def may_use(storage: str) -> None:
        call.require(f"/storage/{storage}", "Datastore.AllocateSpace")

    return call.start_task("resize", vmid, lambda task: resize.grow(
        task, vmid, str(call.node), params["disk"], params["size"], params.get("digest"), may_use))


@operation("POST", f"{BASE}/move_disk")
async def move(call: Call) -> str:
    guest, params = _guest(call), call.params
    if params.get("target-vmid"):
        raise died("moving a disk to another VM is not emulated")
    guest.check_digest(params.get("digest"))
    guest.check_lock()
    if params.get("storage") is None:
        raise died("please specify a target storage")
    call.require(f"/storage/{params['storage']}", "Datastore.AllocateSpace")
    resize.check_move(guest, params["disk"], params["storage"], params.get("format"))
    return call.start_task("qmmove", guest.vmid, lambda task: resize.move(
        task, guest.vmid, guest.node, params["disk"], params["storage"], params.get("format"),
        bool(params.get("delete")), params.get("digest")))


@operation("GET", f"{BASE}/cloudinit")
async def cloudinit_changes(call: Call) -> list[dict[str, Any]]:
    guest = _guest(call)
    return cloudinit.changes(guest.record["cloudinit"], guest.config)


@operation("PUT", f"{BASE}/cloudinit")
async def cloudinit_rebuild(call: Call) -> None:
    guest = _guest(call)
    async with call.world.locks.config(guest.vmid):
        guest.check_lock()
        if drives.cloudinit_key(guest.config):
            await snippets.read(guest)
            guest.record["cloudinit"] = cloudinit.used_values(guest.config)
            guest.save()


@operation("GET", f"{BASE}/cloudinit/dump")
async def cloudinit_dump(call: Call) -> str:
    guest = _guest(call)
    files = cloudinit.seed(guest.config, guest.vmid, call.world.state.nodes[guest.node].get("dns"))
    return files[{"user": "user-data", "network": "network-config", "meta": "meta-data"}[call.params["type"]]]


@operation("GET", f"{BASE}/snapshot")
async def snapshots(call: Call) -> list[dict[str, Any]]:
    guest = _guest(call)
    return [{"name": "current", "description": "You are here!", "digest": guest.digest,
             "running": int(guest.running)}]
