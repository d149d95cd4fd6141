"""Power of virtual machines: one by one, and in bulk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from lab.pve.errors import died
from lab.pve.qemu import bulk, ha, power, status
from lab.pve.qemu.guest import Guest, load
from lab.pve.registry import Call, operation
from lab.pve.tasks import Task

BASE = "/nodes/{node}/qemu/{vmid}/status"


def _guest(call: Call) -> Guest:
    return load(call.world, int(call.vmid or 0), call.node)


async def _running(call: Call) -> Guest:
    guest = _guest(call)
    if not await guest.is_running():
        raise died(f"VM {guest.vmid} not running")
    return guest


def _through_ha(call: Call, guest: Guest, kind: str, action: Callable[[Task], Awaitable[None]], own: str) -> str:
    """A guest under HA is only asked for: the task ends at once, and the manager acts a little later."""
    return call.start_task(kind, guest.vmid, ha.asked(kind, own, guest, action))


@operation("GET", f"{BASE}/current")
async def current(call: Call) -> dict[str, Any]:
    guest = _guest(call)
    await guest.is_running()
    return status.current(guest)


@operation("POST", f"{BASE}/start")
async def start(call: Call) -> str:
    guest = _guest(call)

    async def action(task: Task) -> None:
        await power.start(task, guest.vmid, guest.node)

    if guest.record.get("ha"):
        return _through_ha(call, guest, "hastart", action, "qmstart")
    return call.start_task("qmstart", guest.vmid, action)


@operation("POST", f"{BASE}/shutdown")
async def shutdown(call: Call) -> str:
    guest, params = _guest(call), call.params

    async def action(task: Task) -> None:
        await power.shutdown(task, guest.vmid, guest.node, params.get("timeout"), bool(params.get("forceStop")))

    if guest.record.get("ha"):
        return _through_ha(call, guest, "hastop", action, "qmshutdown")
    return call.start_task("qmshutdown", guest.vmid, action)


@operation("POST", f"{BASE}/stop")
async def stop(call: Call) -> str:
    guest, world = _guest(call), call.world

    async def action(task: Task) -> None:
        if call.params.get("overrule-shutdown"):
            for upid in world.tasks.running(kind="qmshutdown", object_id=str(guest.vmid)):
                task.log(f"overruled shutdown task {upid}")
                world.tasks.stop(upid)
        await power.stop(task, guest.vmid, guest.node)

    if guest.record.get("ha"):
        return _through_ha(call, guest, "hastop", action, "qmstop")
    return call.start_task("qmstop", guest.vmid, action)


@operation("POST", f"{BASE}/reboot")
async def reboot(call: Call) -> str:
    guest = await _running(call)
    return call.start_task("qmreboot", guest.vmid, lambda task: power.reboot(
        task, guest.vmid, guest.node, call.params.get("timeout")))


@operation("POST", f"{BASE}/reset")
async def reset(call: Call) -> str:
    guest = await _running(call)
    return call.start_task("qmreset", guest.vmid, lambda task: power.reset(task, guest.vmid, guest.node))


@operation("POST", "/nodes/{node}/startall")
async def start_all(call: Call) -> str:
    guests = bulk.startable(call, call.node, bulk.ids(call.params.get("vms")), bool(call.params.get("force")))
    width = call.params.get("max-workers") or bulk.node_width(call.world, str(call.node))
    return call.start_task("startall", "", lambda task: bulk.start(call, task, guests, width))


@operation("POST", "/nodes/{node}/stopall")
async def stop_all(call: Call) -> str:
    guests = bulk.stoppable(call, call.node, bulk.ids(call.params.get("vms")))
    width = call.params.get("max-workers") or bulk.node_width(call.world, str(call.node))
    timeout, force = call.params.get("timeout", 180), bool(call.params.get("force-stop", 1))
    return call.start_task("stopall", "", lambda task: bulk.stop(call, task, guests, width, timeout, force))


@operation("POST", "/cluster/bulk-action/guest/start")
async def bulk_start(call: Call) -> str:
    guests = bulk.startable(call, None, bulk.ids(call.params.get("vms")), True)
    width = call.params.get("max-workers") or call.params.get("maxworkers") or 4
    return call.start_task("bulkstart", "", lambda task: bulk.start(call, task, guests, width))


@operation("POST", "/cluster/bulk-action/guest/shutdown")
async def bulk_shutdown(call: Call) -> str:
    guests = bulk.stoppable(call, None, bulk.ids(call.params.get("vms")))
    width = call.params.get("max-workers") or call.params.get("maxworkers") or 4
    timeout, force = call.params.get("timeout", 180), bool(call.params.get("force-stop", 1))
    return call.start_task("bulkshutdown", "", lambda task: bulk.stop(call, task, guests, width, timeout, force))
