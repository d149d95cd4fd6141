"""/pools: sets of guests and storages that permissions are given on."""

from __future__ import annotations

from typing import Any

from lab.pve import pools
from lab.pve.errors import ParameterError, died
from lab.pve.registry import Call, operation
from lab.pve.resources import guest_entry, storage_entry
from lab.pve.schema.formats import split_list


@operation("GET", "/pools")
async def index(call: Call) -> list[dict[str, Any]]:
    """All pools one may see, or with `poolid` that one with its members."""
    if "poolid" in call.params:
        call.require(f"/pool/{call.params['poolid']}", "Pool.Audit")
        return [{"poolid": call.params["poolid"], **await read(call)}]
    return [{"poolid": name, **_comment(pool)} for name, pool in sorted(call.world.state.pools.items())
            if call.can(f"/pool/{name}", "Pool.Audit")]


@operation("POST", "/pools")
async def create(call: Call) -> None:
    name = call.params["poolid"]
    if name in call.world.state.pools:
        raise died(f"create pool failed: pool '{name}' already exists")
    parent = name.rpartition("/")[0]
    if parent and parent not in call.world.state.pools:
        raise died(f"create pool failed: parent '{parent}' of pool '{name}' does not exist")
    call.world.state.pools[name] = {"comment": call.params.get("comment", ""), "vms": [], "storages": []}
    call.world.save("pools", name)


@operation("GET", "/pools/{poolid}")
async def read(call: Call) -> dict[str, Any]:
    pool = _existing(call)
    wanted = call.params.get("type")
    members: list[dict[str, Any]] = []
    for vmid in sorted(pool["vms"]):
        record = call.world.state.guests.get(str(vmid))
        if record and wanted in (None, record["kind"]):
            members.append(guest_entry(call.world, record))
    for storage in sorted(pool["storages"]):
        for node in sorted(call.world.state.nodes):
            found = storage_entry(call.world, node, storage) if wanted in (None, "storage") else None
            members += [found] if found else []
    return {**_comment(pool), "members": members}


@operation("PUT", "/pools")
@operation("PUT", "/pools/{poolid}")
async def update(call: Call) -> None:
    pool, name = _existing(call), call.params["poolid"]
    if "comment" in call.params:
        pool["comment"] = call.params["comment"]
    for vmid in (int(item) for item in split_list(call.params.get("vms", ""))):
        _change_guest(call, name, vmid)
    for storage in split_list(call.params.get("storage", "")):
        _change_storage(call, pool, storage)
    call.world.save("pools", name)


@operation("DELETE", "/pools")
@operation("DELETE", "/pools/{poolid}")
async def delete(call: Call) -> None:
    pool, name = _existing(call), call.params["poolid"]
    if pool["vms"]:
        raise died(f"delete pool failed: pool '{name}' is not empty (contains VM {pool['vms'][0]})")
    if pool["storages"]:
        raise died(f"delete pool failed: pool '{name}' is not empty (contains storage {pool['storages'][0]})")
    del call.world.state.pools[name]
    call.world.save("pools", name)
    if call.world.state.acl.pop(f"/pool/{name}", None) is not None:
        call.world.save("acl", f"/pool/{name}")


def _existing(call: Call) -> dict[str, Any]:
    if call.params["poolid"] not in call.world.state.pools:
        raise died(f"pool '{call.params['poolid']}' does not exist")
    return call.world.state.pools[call.params["poolid"]]


def _comment(pool: dict[str, Any]) -> dict[str, str]:
    return {"comment": pool["comment"]} if pool.get("comment") else {}


def _change_guest(call: Call, name: str, vmid: int) -> None:
    if not call.world.access.may_modify_acl(call.identity, f"/vms/{vmid}"):
        call.require(f"/vms/{vmid}", "VM.Allocate")
    present = pools.pool_of(call.world, vmid)
    if call.params.get("delete"):
        if present != name:
            raise died(f"VM {vmid} is not a pool member")
        pools.remove_guest(call.world, vmid)
    elif present == name:
        raise died(f"VM {vmid} is already a pool member")
    elif present and not call.params.get("allow-move"):
        text = f"VM {vmid} belongs already to pool '{present}' and 'allow-move' is not set"
        raise ParameterError({"allow-move": text})
    else:
        pools.add_guest(call.world, name, vmid)


def _change_storage(call: Call, pool: dict[str, Any], storage: str) -> None:
    call.require(f"/storage/{storage}", "Datastore.Allocate")
    if call.params.get("delete"):
        if storage not in pool["storages"]:
            raise died(f"Storage '{storage}' is not a pool member")
        pool["storages"].remove(storage)
    elif storage in pool["storages"]:
        raise died(f"Storage '{storage}' is already a pool member")
    else:
        if storage not in call.world.state.storages:
            raise died(f"storage '{storage}' does not exist")
        pool["storages"].append(storage)
