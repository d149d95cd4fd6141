"""Runs one emulator: from options to a listening server, until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from lab.pve import api, setup, tls
from lab.pve.app import App
from lab.pve.profiles import load_profile
from lab.pve.protocol import KEEP_ALIVE_SECONDS, PveProtocol
from lab.pve.providers import provided
from lab.pve.schema.model import Schema
from lab.pve.site import default_layout, site_layout
from lab.pve.stats import Stats
from lab.pve.world import World


@dataclass
class Options:
    """What the command line sets. `port` 0 takes a free one; `backend` is `module:function` of world -> backend."""

    state: Path
    host: str = "127.0.0.1"
    port: int = 8006
    site: Path | None = None
    nodes: int = 1
    profile: str = "lvmthin"
    time_scale: float = 1.0
    version: str = "9.2"
    strict: bool = False
    messages: bool = True
    with_template: bool = False
    backend: str = "lab.pve.guests.simulated:SimulatedBackend"


def build_world(options: Options) -> World:
    """The world of a state folder, filled on the first start."""
    profile = load_profile(options.profile)
    layout = site_layout(options.site, profile) if options.site else default_layout(options.nodes, profile)
    api.load()
    world = World(options.state, schema=Schema.load(options.version), time_scale=options.time_scale, profile=profile,
                  version=options.version)
    setup.first_start(world, layout)
    world.backend = _backend(options.backend)(world)
    return world


async def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT."""
    options.state = options.state.resolve()
    with _only_one(options.state):
        world = build_world(options)
        nodes = list(world.state.nodes.values())
        addresses = {"127.0.0.1", options.host, *(node["address"] for node in nodes if node["address"])}
        certificates = tls.ensure(options.state, [world.local_node, "localhost", *world.state.nodes],
                                  sorted(address for address in addresses if address[0].isdigit() or ":" in address))
        listener = _listen(options.host, options.port)
        app = App(world, strict=options.strict, messages=options.messages)
        stats = Stats(world)
        world.stats = stats
        world.fingerprint = certificates.fingerprint
        await _prepare(world, options)
        stats.refresh()
        server = _Server(_config(app, certificates))
        background = asyncio.create_task(stats.run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, server.stop)
        setup.write_connection(world, certificates, options.host, listener.getsockname()[1])
        try:
            await server.serve(sockets=[listener])
        finally:
            background.cancel()
            await world.tasks.close()
            (options.state / "connection.json").unlink(missing_ok=True)


_LAST_MOMENT = 0.3  # seconds


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would raise them again after it has stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield

    def stop(self) -> None:
        """No new connections, a moment for what is being answered, then the end: idle clients are not waited for."""
        self.should_exit = True
        asyncio.get_running_loop().call_later(_LAST_MOMENT, self._leave)

    def _leave(self) -> None:
        self.force_exit = True


def _config(app: App, certificates: tls.Certificates) -> uvicorn.Config:
    config = uvicorn.Config(app, http=PveProtocol, loop="asyncio", lifespan="off", log_level="warning", ws="none",
                            access_log=False, timeout_keep_alive=KEEP_ALIVE_SECONDS, server_header=False,
                            headers=[("Server", "pve-api-daemon/3.0")],
                            ssl_certfile=str(certificates.chain_path), ssl_keyfile=str(certificates.key_path))
    config.load()
    return config


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle off: a head and a body would wait 40 ms for each other.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise SystemExit(f"cannot listen on {host} port {port}: {error.strerror}; "
                         "choose another --port (0 takes a free one)") from error
    listener.listen(512)
    return listener


async def _prepare(world: World, options: Options) -> None:
    """What other parts do before the first request: guests that were up, the template."""
    startup = provided("startup")
    if startup:
        await startup(world)
    if options.with_template:
        await _required("template")(world)


def _required(name: str) -> Callable[..., Any]:
    function = provided(name)
    if function is None:
        raise SystemExit(f"no part of the emulator provides {name!r}")
    return function


def _backend(spec: str) -> Callable[[World], Any]:
    module, _colon, name = spec.partition(":")
    return getattr(importlib.import_module(module), name)


@contextlib.contextmanager
def _only_one(folder: Path) -> Any:
    """Two emulators on one state folder would undo each other's work."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"another emulator runs on {folder}; stop it or choose another --state")
        yield
