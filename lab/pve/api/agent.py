"""The guest agent's part of the API."""

from __future__ import annotations

import base64
from typing import Any

from lab.pve.errors import ParameterError
from lab.pve.guests import agent
from lab.pve.qemu.guest import Guest, load
from lab.pve.registry import Call, Handler, operation

BASE = "/nodes/{node}/qemu/{vmid}/agent"
# commands that are passed on as they are: (verb, path name, agent's name)
_PLAIN = (
    ("POST", "ping"), ("GET", "info"), ("GET", "network-get-interfaces"), ("GET", "get-osinfo"), ("GET", "get-time"),
    ("GET", "get-host-name"), ("GET", "get-timezone"), ("GET", "get-users"), ("GET", "get-vcpus"),
    ("GET", "get-fsinfo"), ("GET", "get-memory-blocks"), ("GET", "get-memory-block-info"),
    ("POST", "fsfreeze-status"), ("POST", "fsfreeze-freeze"), ("POST", "fsfreeze-thaw"), ("POST", "fstrim"),
)


def _guest(call: Call) -> Guest:
    return load(call.world, int(call.vmid or 0), call.node)


def _plain(name: str) -> Handler:
    async def handler(call: Call) -> dict[str, Any]:
        return {"result": await agent.command(_guest(call), f"guest-{name}")}

    return handler


for _verb, _name in _PLAIN:
    operation(_verb, f"{BASE}/{_name}")(_plain(_name))


@operation("GET", f"{BASE}/file-read")
async def file_read(call: Call) -> dict[str, Any]:
    params = call.params
    return await agent.read_file(_guest(call), params["file"], int(params.get("count", agent.MAX_FILE)),
                                 int(params.get("offset", 0)), bool(params.get("decode", 1)))


@operation("POST", f"{BASE}/file-write")
async def file_write(call: Call) -> None:
    content = call.params["content"].encode()
    if not call.params.get("encode", 1):
        content = base64.b64decode(content)
    await agent.write_file(_guest(call), call.params["file"], content)


@operation("POST", f"{BASE}/exec")
async def execute(call: Call) -> dict[str, Any]:
    if not call.params["command"]:
        raise ParameterError({"command": "no command given"})
    return await agent.execute(_guest(call), call.params["command"], call.params.get("input-data"))


@operation("GET", f"{BASE}/exec-status")
async def execute_status(call: Call) -> dict[str, Any]:
    return await agent.status(_guest(call), call.params["pid"])
