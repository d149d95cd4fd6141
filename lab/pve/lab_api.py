"""What the emulator offers beside the API of Proxmox VE, below /lab and without a login: it serves tests.

    @lab_operation("POST", "/lab/guests")
    async def make_guest(world, data): ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.pve.faults import Faults
    from lab.pve.journal import Journal
    from lab.pve.world import World

LabHandler = Callable[[Any, dict[str, Any]], Awaitable[Any]]
LAB_OPERATIONS: dict[tuple[str, str], LabHandler] = {}


def lab_operation(method: str, path: str) -> Callable[[LabHandler], LabHandler]:
    """Register a handler that gets the world and the JSON body, and returns JSON. ValueError is a 400."""

    def register(handler: LabHandler) -> LabHandler:
        LAB_OPERATIONS[(method, path)] = handler
        return handler

    return register


async def answer(world: World, journal: Journal, method: str, path: str, data: dict[str, Any]) -> tuple[int, Any]:
    """(status, JSON) of a request below /lab."""
    if path == "/lab/requests" and method in ("GET", "DELETE"):
        shown = journal.shown()
        if method == "DELETE":
            journal.clear()
        return 200, shown
    if path == "/lab/faults":
        return _faults(world.faults, method, data)
    if path.startswith("/lab/faults/") and method == "DELETE":
        world.faults.clear(path.removeprefix("/lab/faults/"))
        return 200, world.faults.list()
    if (method, path) in LAB_OPERATIONS:
        try:
            return 200, await LAB_OPERATIONS[(method, path)](world, data)
        except ValueError as error:
            return 400, {"error": str(error)}
    return 404, {"error": f"{method} {path} is unknown; known: /lab/requests, /lab/faults"}


def _faults(faults: Faults, method: str, data: dict[str, Any]) -> tuple[int, Any]:
    if method == "GET":
        return 200, faults.list()
    if method == "DELETE":
        faults.clear()
        return 200, []
    try:
        return 200, faults.add(data).shown()
    except (ValueError, TypeError) as error:
        return 400, {"error": str(error)}
