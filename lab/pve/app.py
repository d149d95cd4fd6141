"""The ASGI application: /api2/json for clients, /lab for tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab.pve import lab_api
from lab.pve.auth import Authenticator, Unauthorized
from lab.pve.context import ORIGIN
from lab.pve.dispatch import ConnectionReset, Dispatcher
from lab.pve.errors import ApiError
from lab.pve.journal import Journal
from lab.pve.wire import PREFIX, Answer, Request, error_answer, read_request, send
from lab.pve.workers import Workers

if TYPE_CHECKING:
    from lab.pve.world import World

UNAUTHORIZED_DELAY = 3.0


class App:
    """One emulated endpoint. `messages` off: errors without `message`, as servers before 2025."""

    def __init__(self, world: World, *, strict: bool = False, messages: bool = True) -> None:
        self.world = world
        self.journal = Journal(world.folder / "requests.log")
        self.authenticator = Authenticator(world)
        self.dispatcher = Dispatcher(world, self.authenticator, Workers(world.clock), strict=strict)
        self._messages = messages
        world.authenticator = self.authenticator

    async def __call__(self, scope: dict[str, Any], receive: Any, send_event: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        started = self.world.clock.monotonic()
        ORIGIN.set(None)
        try:
            request = await read_request(scope, receive)
        except ConnectionResetError:
            return
        except ApiError as error:
            self.journal.count(scope["method"], scope["path"])
            await send(error_answer(error, with_message=self._messages), send_event)
            return
        if request.full_path.startswith("/lab/"):
            await send(await self._lab(request), send_event)
            return
        answer = await self._api(request)
        origin = ORIGIN.get()
        self.journal.log(origin.identity if origin else None, request.method, request.full_path, answer.status,
                         self.world.clock.monotonic() - started)
        await send(answer, send_event)

    async def _lab(self, request: Request) -> Answer:
        try:
            data = json.loads(request.body) if request.body else {}
        except ValueError:
            return Answer(400, {"error": "the body is no JSON"})
        status, payload = await lab_api.answer(self.world, self.journal, request.method, request.full_path, data)
        return Answer(status, payload)

    async def _api(self, request: Request) -> Answer:
        routed = self.dispatcher.route(request)
        self.journal.count(request.method, routed[0].path if routed else "(unknown path)")
        try:
            if not request.full_path.startswith(PREFIX + "/"):
                raise ApiError(501, "no such uri")
            return await self.dispatcher.answer(request, *(routed or (None, {})))
        except Unauthorized as error:
            await self.world.clock.sleep(UNAUTHORIZED_DELAY)
            return error_answer(error, with_message=self._messages, bare=error.bare)
        except ConnectionReset:
            return Answer(500, None, reset=True)
        except ApiError as error:
            return error_answer(error, with_message=self._messages)
