"""What storages hold: list, look at, allocate, delete, download."""

from __future__ import annotations

import asyncio
from typing import Any

from lab.pve.errors import died
from lab.pve.qemu import snippets
from lab.pve.qemu.propstring import parse_size
from lab.pve.registry import Call, operation
from lab.pve.storage import allocation, config, download, volumes

BASE = "/nodes/{node}/storage/{storage}"


def _row(volume: dict[str, Any]) -> dict[str, Any]:
    row = {key: volume[key] for key in ("volid", "format", "size", "content", "ctime") if volume.get(key) is not None}
    if volume["content"] != "images":
        row["size"] = volume["used"]
    for key in ("vmid", "parent"):
        if volume.get(key):
            row[key] = volume[key]
    return row


def _may_see(call: Call, volume: dict[str, Any]) -> bool:
    """Files are seen by who sees the storage, a guest's disks by who may allocate on it or sees the guest."""
    if not volume["vmid"]:
        return True
    return (call.can(f"/storage/{volume['storage']}", "Datastore.Allocate")
            or call.can(f"/vms/{volume['vmid']}", "VM.Config.Disk") or call.can(f"/vms/{volume['vmid']}", "VM.Audit"))


@operation("GET", f"{BASE}/content")
async def listing(call: Call) -> list[dict[str, Any]]:
    storage, params = call.params["storage"], call.params
    config.enabled_on(call.world, storage, str(call.node))
    shown = []
    if params.get("content", "snippets") == "snippets" and call.can(f"/storage/{storage}", "Datastore.Allocate"):
        shown = await snippets.listing(call.world, str(call.node), storage)
    return [*shown, *(_row(volume) for volume in volumes.of_storage(call.world, storage, str(call.node))
            if params.get("content", volume["content"]) == volume["content"]
            and params.get("vmid", volume["vmid"]) == volume["vmid"] and _may_see(call, volume))]


@operation("POST", f"{BASE}/content")
async def allocate(call: Call) -> str:
    params, size = call.params, str(call.params["size"])
    found = config.enabled_on(call.world, params["storage"], str(call.node))
    fmt = params.get("format")
    if f"vm-{params['vmid']}-" not in params["filename"]:
        raise died(f"illegal name '{params['filename']}' - should be 'vm-{params['vmid']}-*'")
    name = params["filename"].removesuffix(volumes.suffix_for(found, fmt or config.formats(found)[1]))
    volume = await allocation.allocate(call.world, str(call.node), params["storage"], params["vmid"],
                                       parse_size(size if size[-1] in "MG" else f"{size}K"), fmt=fmt, name=name)
    return volume["volid"]


def _volid(call: Call) -> str:
    volume = call.params["volume"]
    storage = call.params.get("storage")
    return volume if ":" in volume else f"{storage}:{volume}"


@operation("GET", f"{BASE}/content/{{volume}}")
async def attributes(call: Call) -> dict[str, Any]:
    volume = volumes.get(call.world, _volid(call), str(call.node))
    call.require(f"/storage/{volume['storage']}", ("Datastore.Audit", "Datastore.AllocateSpace"), any=True)
    found = config.entry(call.world, volume["storage"])
    return {"path": volumes.path_of(found, volume), "size": volume["size"], "used": volume["used"],
            "format": volume["format"]}


@operation("DELETE", f"{BASE}/content/{{volume}}")
async def delete(call: Call) -> str | None:
    volid, node = _volid(call), str(call.node)
    volume = volumes.get(call.world, volid, node)
    if volume["content"] in ("images", "rootdir") and volume["vmid"]:
        if not call.can(f"/storage/{volume['storage']}", "Datastore.Allocate"):
            call.require(f"/vms/{volume['vmid']}", "VM.Config.Disk")
    else:
        call.require(f"/storage/{volume['storage']}", "Datastore.Allocate")
    guest = call.world.state.guests.get(str(volume["vmid"]))
    if guest and volume["content"] == "images":
        raise died(f"Cannot remove image, a guest with VMID '{volume['vmid']}' exists! "
                   "You can delete the image from the guest's hardware pane")
    owner = f"{volume['vmid']}@" if volume["vmid"] else ""
    upid = call.start_task("imgdel", owner + volume["storage"], lambda task: allocation.free(call.world, node, volid))
    delay = call.params.get("delay")
    if delay and (status := await call.world.tasks.wait(upid, delay)) is not None:
        if status != "OK":
            raise died(status)
        return None
    return upid


@operation("POST", f"{BASE}/download-url")
async def download_url(call: Call) -> str:
    params = call.params
    found = config.enabled_on(call.world, params["storage"], str(call.node))
    filename = download.normalised(params["filename"])
    download.check(found, params["content"], filename, params.get("compression"))
    order = download.Order(params["storage"], params["content"], filename, params["url"], params.get("checksum"),
                           params.get("checksum-algorithm"), bool(params.get("verify-certificates", 1)))
    return call.start_task("download", filename, lambda task: download.run(task, str(call.node), order))


@operation("GET", "/nodes/{node}/query-url-metadata")
async def url_metadata(call: Call) -> dict[str, Any]:
    verify = bool(call.params.get("verify-certificates", 1))
    return await asyncio.to_thread(download.metadata, call.params["url"], verify)
