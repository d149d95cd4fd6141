"""From a request to an answer, in the order of Proxmox VE.

authentication (401), route (501), permission (403), node (500), parameters (400), handler.
"""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

from lab.pve import permissions
from lab.pve.access import permission_denied
from lab.pve.api_index import index_of
from lab.pve.auth import REFUSED, Unauthorized
from lab.pve.context import ORIGIN, Origin
from lab.pve.errors import ApiError, ParameterError, TaskError, died
from lab.pve.registry import OPERATIONS, Call, Handler, Listing
from lab.pve.wire import PREFIX, Answer, Request, parameters

if TYPE_CHECKING:
    from lab.pve.auth import Authenticator
    from lab.pve.schema.model import Operation
    from lab.pve.workers import Workers
    from lab.pve.world import World

WRITES = ("POST", "PUT", "DELETE")
# Served without a login.
OPEN = {("GET", "/access/domains"), ("GET", "/access/ticket"), ("POST", "/access/ticket"),
        ("POST", "/access/vncticket"), ("POST", "/access/openid/login"), ("POST", "/access/openid/auth-url")}


class ConnectionReset(Exception):
    """A fault: the connection breaks instead of an answer."""


class Dispatcher:
    """Runs operations. `strict` checks every answer against the schema."""

    def __init__(self, world: World, authenticator: Authenticator, workers: Workers, *, strict: bool = False) -> None:
        self._world = world
        self._authenticator = authenticator
        self._workers = workers
        self._strict = strict

    def route(self, request: Request) -> tuple[Operation, dict[str, str]] | None:
        """The operation and the parameters in its path."""
        if not request.full_path.startswith(PREFIX + "/"):
            return None
        found = self._world.schema.route(request.full_path.removeprefix(PREFIX))
        if found is None:
            return None
        operation = self._world.schema.operation(request.method, found[0])
        return (operation, found[1]) if operation else None

    async def answer(self, request: Request, operation: Operation | None, path_values: dict[str, str]) -> Answer:
        """The answer of a request (`operation` None: no such path); ApiError becomes its error elsewhere."""
        path = request.full_path.removeprefix(PREFIX)
        origin = Origin(request.method, path, operation.path if operation else path, path_values.get("node"),
                        _number(path_values.get("vmid")))
        ORIGIN.set(origin)
        origin.identity = identity = self._identity(request, path)
        handler = self._handler(operation)
        if operation is None or handler is None:
            raise ApiError(501, f"Method '{request.method} {path}' not implemented")
        values = _together(parameters(request), path_values)
        if "!" in identity and not operation.allowtoken:
            raise permission_denied(f"URI '{path}' not available with API token, need proper ticket.\n")
        permissions.check(self._world.access, self._world.state.users, operation.permissions, identity or None, values)
        if operation.has_node:
            values["node"] = origin.node = self._find_node(path_values["node"])
        await self._faults_before(operation)
        typed, errors = self._world.schema.check(operation, values)
        if errors:
            raise ParameterError(errors)
        call = Call(self._world, operation.method, operation.path, typed, identity, origin)
        result = await self._workers.run(origin.node or self._world.local_node,
                                         protected=operation.protected, writes=operation.method in WRITES,
                                         work=lambda: _guarded(handler, call))
        listing = result if isinstance(result, Listing) else Listing(result)
        if self._strict:
            self._check_returns(operation, listing.data)
        self._faults_after()
        return Answer(200, {"data": listing.data, **listing.extra}, "OK")

    def _handler(self, operation: Operation | None) -> Handler | None:
        if operation is None:
            return None
        return OPERATIONS.get((operation.method, operation.path)) or index_of(self._world.schema, operation)

    def _identity(self, request: Request, path: str) -> str:
        """Who asks is found out first, even for a path that is not there."""
        if (request.method, path) in OPEN:
            return ""
        if self._world.faults.take("unauthorized"):
            raise Unauthorized(REFUSED)
        return self._authenticator.identity(request.method, request.headers)

    def _find_node(self, name: str) -> str:
        """The node that a path names; `localhost` is the one that answers."""
        name = self._world.local_node if name == "localhost" else name
        node = self._world.state.nodes.get(name)
        if node is None:
            raise died(f"hostname lookup '{name}' failed - failed to get address info for: {name}: "
                       "Name or service not known")
        if not node.get("online", True) or self._world.faults.take("node_offline"):
            raise ApiError(595, "No route to host")
        return name

    async def _faults_before(self, operation: Operation) -> None:
        faults = self._world.faults
        delay = faults.take("delay")
        if delay:
            await self._world.clock.sleep(float(delay.get("seconds", 1)))
        if faults.take("reset_before_work"):
            raise ConnectionReset
        status = faults.take("status")
        if status:
            raise ApiError(int(status.get("status", 500)), str(status.get("text", "emulated fault")),
                           status.get("errors"))
        if operation.method in WRITES:
            self._world.check_quorum()

    def _faults_after(self) -> None:
        if self._world.faults.take("status596_after_work"):
            raise ApiError(596, "Connection timed out")
        if self._world.faults.take("reset_after_write"):
            raise ConnectionReset

    def _check_returns(self, operation: Operation, data: Any) -> None:
        wrong = self._world.schema.validate_returns(operation.method, operation.path, data)
        for place, text in wrong.items():
            print(f"answer breaks the schema: {operation.method} {operation.path}: {place}: {text}", file=sys.stderr,
                  flush=True)


async def _guarded(handler: Any, call: Call) -> Any:
    """A handler's own mistake is a 500 with its text, and a trace on stderr."""
    try:
        return await handler(call)
    except ApiError:
        raise
    except TaskError as error:
        raise died(str(error)) from error
    except Exception as error:
        traceback.print_exc()
        raise died(f"internal error of the emulator: {type(error).__name__}: {error}") from error


def _together(given: dict[str, Any], path_values: dict[str, str]) -> dict[str, Any]:
    """Parameters of the request and of its path; one that is in both must say the same."""
    for name, value in path_values.items():
        if name in given and str(given[name]) != value:
            raise ParameterError({name: "duplicate parameter (already defined in URI) with conflicting values!"})
    return {**given, **path_values}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
