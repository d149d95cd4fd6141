"""What is done before the first request: networks that are not there yet, and guests that came or went meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.pve.network import configuration
from lab.pve.network.interfaces import default_interfaces
from lab.pve.providers import provider
from lab.pve.qemu import power

if TYPE_CHECKING:
    from lab.pve.world import World

_WATCHERS: set[asyncio.Task] = set()  # the loop itself only holds tasks weakly


@provider("startup")
async def startup(world: World) -> None:
    """Each node gets the management bridge it was installed with, once; its real network, where there is one, follows
    what is configured; then guests are as the backend has them."""
    bridge = world.state.meta["cluster"].get("management_bridge", {})
    for name, node in world.state.nodes.items():
        if not configuration.installed(world, name):
            address = f"{node['address']}/{bridge.get('prefix', 24)}" if node.get("address") else None
            configuration.install(world, name, default_interfaces(
                address, bridge.get("gateway"), bridge.get("iface", "vmbr0"), bridge.get("mtu")))
        await world.backend.reload_network(name)
    await power.follow_backend(world)
    _WATCHERS.add(asyncio.get_running_loop().create_task(power.watch_backend(world)))
