"""Pools and their members. A guest is in one pool at most; a storage may be in several."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.pve.world import World


def pool_of(world: World, vmid: int) -> str | None:
    """The pool that has the guest."""
    for name, pool in world.state.pools.items():
        if vmid in pool["vms"]:
            return name
    return None


def add_guest(world: World, name: str, vmid: int) -> None:
    """Put the guest into the pool, out of any other."""
    remove_guest(world, vmid)
    world.state.pools[name]["vms"].append(vmid)
    world.save("pools", name)


def remove_guest(world: World, vmid: int) -> None:
    """Take the guest out of its pool, if it has one."""
    for name, pool in world.state.pools.items():
        if vmid in pool["vms"]:
            pool["vms"].remove(vmid)
            world.save("pools", name)


def forget_guest(world: World, vmid: int) -> None:
    """What destroying a guest does to user.cfg: pool membership and its own ACLs go."""
    remove_guest(world, vmid)
    if world.state.acl.pop(f"/vms/{vmid}", None) is not None:
        world.save("acl", f"/vms/{vmid}")
