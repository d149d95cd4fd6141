"""Operations of the API and the call they get.

    @operation("POST", "/nodes/{node}/qemu/{vmid}/clone")
    async def clone(call: Call) -> str: ...

The transport routes, authenticates, checks the permissions of the schema, finds the node and validates the parameters
before the handler runs. What is returned becomes `data`; a `Listing` adds keys beside it. Errors: lab.pve.errors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.pve.context import Origin
    from lab.pve.tasks import Task
    from lab.pve.world import World

Handler = Callable[["Call"], Awaitable[Any]]
OPERATIONS: dict[tuple[str, str], Handler] = {}


def operation(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register the handler of one operation, by its path template of the schema."""

    def register(handler: Handler) -> Handler:
        if (method, path) in OPERATIONS:
            raise ValueError(f"{method} {path} has two handlers")
        OPERATIONS[(method, path)] = handler
        return handler

    return register


@dataclass
class Listing:
    """`data` with other top-level keys of the answer: {"data": data, "total": 3, "changes": "..."}"""

    data: Any
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Call:
    """One validated request.

    `params` holds path, query and body together, typed by the schema: int, float, str, booleans as 0 or 1, arrays as
    lists. Absent optional parameters are absent (defaults of the schema are not filled in).
    """

    world: World
    method: str
    template: str
    params: dict[str, Any]
    identity: str
    origin: Origin

    @property
    def node(self) -> str | None:
        return self.params.get("node")

    @property
    def vmid(self) -> int | None:
        return self.params.get("vmid")

    @property
    def user(self) -> str:
        """The user without the token's part."""
        return self.identity.split("!")[0]

    def now(self) -> int:
        return self.world.clock.now()

    def can(self, path: str, *privileges: str, any: bool = False) -> bool:
        """Has this identity all (or any) of the privileges on the path?"""
        return self.world.access.allowed(self.identity, path, privileges, any=any)

    def require(self, path: str, privileges: list[str] | tuple[str, ...] | str, any: bool = False) -> None:
        """403 with the text of Proxmox VE, unless `can`."""
        wanted = (privileges,) if isinstance(privileges, str) else privileges
        self.world.access.require(self.identity, path, wanted, any=any)

    def start_task(self, kind: str, object_id: str | int, worker: Callable[[Task], Awaitable[Any]],
                   node: str | None = None) -> str:
        """Fork a worker; returns its UPID at once. TaskError and ApiError in it become the task's exit status."""
        return self.world.tasks.start(kind, str(object_id), worker, node=node or self.node or self.world.local_node,
                                      identity=self.identity, origin=self.origin)
