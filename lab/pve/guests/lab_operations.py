"""What tests do behind the API: machines of strangers, templates of any shape, the HA flag.

    POST /lab/guests     {"vmid": 500, "node"?: "pve", "config"?: {"name": "theirs"}}    a machine that is just there
    PUT  /lab/guests     {"vmid": 101, "ha"?: true, "config"?: {...}}                   an edit past the API
    POST /lab/templates  {"vmid"?: 9001, "node"?, "name"?, "bios"?, "machine"?, "storage"?, "size_gb"?, "image_sha256"?}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.pve.lab_api import lab_operation
from lab.pve.qemu.guest import Guest
from lab.pve.qemu.make_template import make_template

if TYPE_CHECKING:
    from lab.pve.world import World


@lab_operation("POST", "/lab/guests")
async def plant(world: World, data: dict[str, Any]) -> dict[str, Any]:
    vmid = _vmid(data)
    if str(vmid) in world.state.guests:
        raise ValueError(f"guest {vmid} exists")
    guest = Guest.create(world, vmid, _node(world, data), _config(data))
    return _shown(guest)


@lab_operation("PUT", "/lab/guests")
async def edit(world: World, data: dict[str, Any]) -> dict[str, Any]:
    record = world.state.guests.get(str(_vmid(data)))
    if record is None:
        raise ValueError(f"there is no guest {data['vmid']}")
    guest = Guest(world, record)
    guest.config.update(_config(data))
    if "ha" in data:
        guest.record["ha"] = bool(data["ha"])
    guest.save()
    return _shown(guest)


@lab_operation("POST", "/lab/templates")
async def template(world: World, data: dict[str, Any]) -> dict[str, Any]:
    options = {key: data[key] for key in ("name", "bios", "machine", "storage", "size_gb", "bridge", "image_sha256")
               if key in data}
    vmid = int(data.get("vmid", 9000))
    if str(vmid) in world.state.guests:
        raise ValueError(f"guest {vmid} exists")
    return _shown(make_template(world, _node(world, data), vmid, **options))


def _vmid(data: dict[str, Any]) -> int:
    if not isinstance(data.get("vmid"), int):
        raise ValueError("vmid: a number is needed")
    return data["vmid"]


def _node(world: World, data: dict[str, Any]) -> str:
    node = data.get("node", world.local_node)
    if node not in world.state.nodes:
        raise ValueError(f"node: {node} is none of {', '.join(world.state.nodes)}")
    return node


def _config(data: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in (data.get("config") or {}).items()}


def _shown(guest: Guest) -> dict[str, Any]:
    return {"vmid": guest.vmid, "node": guest.node, "ha": bool(guest.record["ha"]), "config": guest.config}
