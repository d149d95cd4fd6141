"""The network configuration of a node: what is pending, and applying it."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from lab.pve.errors import ParameterError, TaskError
from lab.pve.guests.backend import BackendError
from lab.pve.network import bridges, configuration, interfaces
from lab.pve.network.interfaces import Interfaces
from lab.pve.registry import Call, Listing, operation
from lab.pve.tasks import Task

BASE = "/nodes/{node}/network"
_ADDRESSES = {"inet": ("cidr", "address", "netmask", "gateway", "method"),
              "inet6": ("cidr6", "address6", "netmask6", "gateway6", "method6")}


def _record(call: Call) -> dict[str, Any]:
    return configuration.record(call.world, str(call.node))


def _shown(call: Call) -> Interfaces:
    """The pending configuration when there is one."""
    record = _record(call)
    return record["pending"] if record["pending"] is not None else record["interfaces"]


@operation("GET", BASE)
async def listing(call: Call) -> Listing:
    record, shown, kind = _record(call), _shown(call), call.params.get("type")
    rows = []
    for name, entry in sorted(shown.items()):
        is_bridge = entry["type"] in bridges.BRIDGES
        if is_bridge and not bridges.visible(call, name):
            continue
        if kind in ("any_bridge", "any_local_bridge", "include_sdn"):
            if not is_bridge and kind != "include_sdn":
                continue
        elif kind and entry["type"] != kind:
            continue
        rows.append({**entry, **({"active": 1} if name in record["interfaces"] else {})})
    changes = interfaces.changes(record["interfaces"], shown) if record["pending"] is not None else ""
    return Listing(rows, {"changes": changes} if changes else {})


@operation("GET", f"{BASE}/{{iface}}")
async def read(call: Call) -> dict[str, Any]:
    entry = _shown(call).get(call.params["iface"])
    if entry is None:
        raise ParameterError({"iface": "interface does not exist"})
    return {key: value for key, value in entry.items() if key != "iface"}


@operation("POST", BASE)
async def create(call: Call) -> None:
    name, wanted = call.params["iface"], dict(_shown(call))
    if name in wanted:
        raise ParameterError({"iface": "interface already exists"})
    _put(call, wanted, name)


@operation("PUT", f"{BASE}/{{iface}}")
async def replace(call: Call) -> None:
    name, wanted = call.params["iface"], dict(_shown(call))
    if name not in wanted:
        raise ParameterError({"iface": "interface does not exist"})
    _put(call, wanted, name)


@operation("DELETE", f"{BASE}/{{iface}}")
async def remove(call: Call) -> None:
    name, wanted = call.params["iface"], dict(_shown(call))
    if name not in wanted:
        raise ParameterError({"iface": "interface does not exist"})
    del wanted[name]
    for entry in wanted.values():
        if name in str(entry.get("bridge_ports", "")).split():
            entry["bridge_ports"] = " ".join(port for port in entry["bridge_ports"].split() if port != name)
    _keep(call, wanted)


def _put(call: Call, wanted: Interfaces, name: str) -> None:
    """All options of the interface are replaced; what is not given is gone."""
    entry = {key: value for key, value in call.params.items() if key not in ("node", "delete", "digest")}
    deleted = [key for key in re.split(r"[,\s;\0]+", call.params.get("delete", "")) if key]
    for cidr, address, netmask, gateway, _method in _ADDRESSES.values():
        if cidr not in entry and address in entry:
            entry[cidr] = str(ipaddress.ip_interface(f"{entry.pop(address)}/{entry.pop(netmask)}"))
        if gateway in entry and cidr not in entry:
            raise ParameterError({gateway: f"missing {address}"})
        _check_gateway(wanted, name, entry, gateway)
    entry = {key: value for key, value in entry.items() if key not in deleted}
    for port in str(entry.get("bridge_ports", "")).split():
        if port not in wanted and not re.match(r"^(en|eth|bond|veth|dummy|nic)", port):
            raise ParameterError({"bridge_ports": f"{name} - bridge port '{port}' does not exist"})
    wanted[name] = interfaces.normalised(entry)
    _keep(call, wanted)


def _check_gateway(wanted: Interfaces, name: str, entry: dict[str, Any], gateway: str) -> None:
    for other, present in wanted.items():
        if gateway in entry and other != name and gateway in present:
            raise ParameterError({gateway: f"Default gateway already exists on interface '{other}'."})


def _keep(call: Call, wanted: Interfaces) -> None:
    configuration.keep_pending(call.world, str(call.node), wanted)


@operation("DELETE", BASE)
async def revert(call: Call) -> None:
    configuration.keep_pending(call.world, str(call.node), None)


@operation("PUT", BASE)
async def apply(call: Call) -> str:
    """Reload: the pending file becomes the file, and the node's real network follows it."""
    world, node = call.world, str(call.node)

    async def reload(task: Task) -> None:
        configuration.put_in_force(world, node)
        await task.sleep(world.profile.reload_network)
        try:
            await world.backend.reload_network(node)
        except BackendError as error:
            raise TaskError(f"command 'ifreload -a' failed: {error}") from error

    return call.start_task("srvreload", "networking", reload)
