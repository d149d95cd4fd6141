"""Storages of the cluster and of a node."""

from __future__ import annotations

import re
from typing import Any

from lab.pve.errors import ApiError, ParameterError, died
from lab.pve.providers import provider
from lab.pve.registry import Call, operation
from lab.pve.storage import config, volumes
from lab.pve.world import World

_LISTS = ("content", "nodes")


@provider("storage")
def figures(world: World, node: str, storage: str) -> dict[str, Any]:
    """{total, used, avail, active}"""
    return {**volumes.usage(world, storage, node), "active": 1}


def _visible(call: Call, storage: str) -> bool:
    return call.can(f"/storage/{storage}", "Datastore.Audit", "Datastore.AllocateSpace", any=True)


def _status(call: Call, found: dict[str, Any]) -> dict[str, Any]:
    usage = volumes.usage(call.world, found["storage"], str(call.node))
    enabled = 0 if found.get("disable") else 1
    return {"type": found["type"], "content": ",".join(sorted(found["content"])),
            "shared": int(config.is_shared(found)), "enabled": enabled, "active": enabled, **usage}


@operation("GET", "/nodes/{node}/storage")
async def of_node(call: Call) -> list[dict[str, Any]]:
    rows = []
    for found in config.on_node(call.world, str(call.node)):
        name, params = found["storage"], call.params
        wanted = [kind for kind in re.split(r"[,\s;]+", params.get("content", "")) if kind]
        if not _visible(call, name) or params.get("storage", name) != name:
            continue
        if params.get("enabled") and found.get("disable") or wanted and not set(wanted) & set(found["content"]):
            continue
        row = {"storage": name, **_status(call, found)}
        row["used_fraction"] = row["used"] / row["total"] if row["total"] else 0
        if params.get("format"):
            supported, default = config.formats(found)
            row["formats"] = {"supported": list(supported), "default": default}
        rows.append(row)
    return rows


@operation("GET", "/nodes/{node}/storage/{storage}/status")
async def status(call: Call) -> dict[str, Any]:
    return _status(call, config.enabled_on(call.world, call.params["storage"], str(call.node)))


@operation("GET", "/storage")
async def index(call: Call) -> list[dict[str, Any]]:
    return [{**config.as_api(found), "digest": _digest(call.world)}
            for name, found in sorted(call.world.state.storages.items())
            if _visible(call, name) and call.params.get("type", found["type"]) == found["type"]]


@operation("GET", "/storage/{storage}")
async def read(call: Call) -> dict[str, Any]:
    return {**config.as_api(config.entry(call.world, call.params["storage"])), "digest": _digest(call.world)}


@operation("POST", "/storage")
async def create(call: Call) -> dict[str, Any]:
    name, kind = call.params["storage"], call.params["type"]
    if name in call.world.state.storages:
        raise died(f"create storage failed: storage ID '{name}' already defined")
    can_hold, default = config.CONTENT.get(kind, config.CONTENT["dir"])
    entry = {"content": list(default), "nodes": None, "shared": 0, **_given(call.params)}
    _check_content(entry, can_hold)
    entry["shared"] = int(config.is_shared(entry))
    _save(call.world, name, entry)
    return {"storage": name, "type": kind}


@operation("PUT", "/storage/{storage}")
async def update(call: Call) -> dict[str, Any]:
    name = call.params["storage"]
    entry = {**config.entry(call.world, name)}
    if call.params.get("digest") not in (None, _digest(call.world)):
        raise died("detected modified configuration - file changed by other user? Try again.")
    for key in re.split(r"[,\s;\0]+", call.params.get("delete", "")):
        if key and key in call.params:
            raise ParameterError({"delete": f"unable to set and delete property '{key}'"})
        if key == "content":
            entry["content"] = list(config.CONTENT.get(entry["type"], config.CONTENT["dir"])[1])
        elif key:
            entry.pop(key, None)
    entry.update(_given(call.params))
    _check_content(entry, config.CONTENT.get(entry["type"], config.CONTENT["dir"])[0])
    _save(call.world, name, entry)
    return {"storage": name, "type": entry["type"]}


@operation("DELETE", "/storage/{storage}")
async def remove(call: Call) -> None:
    config.entry(call.world, call.params["storage"])
    call.world.state.storages.pop(call.params["storage"])
    call.world.save("storages", call.params["storage"])


def _given(params: dict[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in params.items() if key not in ("delete", "digest")}
    for key in _LISTS:
        if isinstance(given.get(key), str):
            given[key] = [item for item in re.split(r"[,\s;\0]+", given[key]) if item]
    if "nodes" in given and not given["nodes"]:
        given["nodes"] = None
    return given


def _check_content(entry: dict[str, Any], can_hold: tuple[str, ...]) -> None:
    wrong = [kind for kind in entry["content"] if kind not in can_hold]
    if wrong:
        raise ApiError(500, f"storage '{entry['storage']}' does not support content type '{wrong[0]}'")


def _save(world: World, name: str, entry: dict[str, Any]) -> None:
    world.check_quorum()
    world.state.storages[name] = entry
    world.save("storages", name)


def _digest(world: World) -> str:
    from lab.pve.qemu.text import digest

    return digest(repr(sorted((name, sorted(entry.items(), key=str)) for name, entry in world.state.storages.items())))
