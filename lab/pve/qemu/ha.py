"""Guests under high availability: the manager is only asked, and acts a little later in a task of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from lab.pve.qemu.guest import Guest

if TYPE_CHECKING:
    from lab.pve.tasks import Task

MANAGER_SECONDS = 5


def asked(kind: str, own: str, guest: Guest,
          action: Callable[[Task], Awaitable[None]]) -> Callable[[Task], Awaitable[None]]:
    """The worker of a `hastart` or `hastop` task, which ends at once; `own` is the manager's task that does it."""

    async def ask(task: Task) -> None:
        task.log(f"Requesting HA {kind.removeprefix('ha')} for VM {guest.vmid}")
        task.world.tasks.start(own, str(guest.vmid), later, node=guest.node, identity="root@pam", origin=task.origin)

    async def later(task: Task) -> None:
        await task.sleep(MANAGER_SECONDS)
        await action(task)

    return ask
