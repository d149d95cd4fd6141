"""Talking to a guest's agent as the API does: the checks before it, and commands made of several agent calls."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

from lab.pve.errors import died
from lab.pve.guests.backend import AgentError, AgentNotRunning
from lab.pve.qemu import propstring

if TYPE_CHECKING:
    from lab.pve.qemu.guest import Guest

PING_TIMEOUT = 3.0
MAX_FILE = 16 * 1024**2
_CHUNK = 1024**2


async def command(guest: Guest, name: str, **arguments: Any) -> Any:
    """One command, after a ping that an absent agent lets run into its timeout."""
    if "agent" not in guest.config:
        raise died("No QEMU guest agent configured")
    if not await guest.is_running():
        raise died(f"VM {guest.vmid} is not running")
    enabled = propstring.parse(str(guest.config["agent"]), "enabled").get("enabled", "0")
    if not propstring.truth(enabled):  # there is no channel on which it could answer
        raise died("QEMU guest agent is not running")
    clock = guest.world.clock
    asked = clock.monotonic()
    try:
        await _ask(guest, "guest-ping", {})
    except AgentNotRunning:
        # a backend with real guests has waited itself
        await asyncio.sleep(max(0.0, clock.real(PING_TIMEOUT) - (clock.monotonic() - asked)))
        raise died("QEMU guest agent is not running") from None
    if name == "guest-ping":
        return {}
    return await call(guest, name, **arguments)


async def call(guest: Guest, name: str, **arguments: Any) -> Any:
    """One command of an agent that is known to answer."""
    try:
        return await _ask(guest, name, arguments)
    except AgentNotRunning:
        raise died("QEMU guest agent is not running") from None
    except AgentError as error:
        raise died(f"Agent error: {error}") from None


async def _ask(guest: Guest, name: str, arguments: dict[str, Any]) -> Any:
    if guest.world.faults.take("agent_never_up", vmid=guest.vmid, node=guest.node):
        raise AgentNotRunning
    return await guest.world.backend.agent(guest.vmid, name, arguments)


async def read_file(guest: Guest, path: str, count: int, offset: int, decode: bool) -> dict[str, Any]:
    """{content, bytes-read, truncated?}; content is text, or base64 when it is not to be decoded."""
    handle = await command(guest, "guest-file-open", path=path, mode="rb")
    data, at_end = b"", False
    try:
        while not at_end and len(data) < offset + count:
            part = await call(guest, "guest-file-read", handle=handle, count=min(_CHUNK, offset + count - len(data)))
            data += base64.b64decode(part["buf-b64"])
            at_end = bool(part["eof"]) or not part["count"]
    finally:
        await call(guest, "guest-file-close", handle=handle)
    data = data[offset:]
    content = data.decode("utf-8", errors="replace") if decode else base64.b64encode(data).decode()
    return {"content": content, "bytes-read": len(data), **({} if at_end else {"truncated": 1})}


async def write_file(guest: Guest, path: str, content: bytes) -> None:
    handle = await command(guest, "guest-file-open", path=path, mode="wb")
    try:
        await call(guest, "guest-file-write", handle=handle, **{"buf-b64": base64.b64encode(content).decode()})
    finally:
        await call(guest, "guest-file-close", handle=handle)


async def execute(guest: Guest, words: list[str], data: str | None) -> dict[str, Any]:
    """{pid}"""
    arguments: dict[str, Any] = {"path": words[0], "arg": words[1:], "capture-output": True}
    if data is not None:
        arguments["input-data"] = base64.b64encode(data.encode()).decode()
    return {"pid": (await command(guest, "guest-exec", **arguments))["pid"]}


async def status(guest: Guest, pid: int) -> dict[str, Any]:
    """{exited, exitcode, out-data, err-data, ...} with output as text."""
    found = dict(await command(guest, "guest-exec-status", pid=pid))
    for key in ("out-data", "err-data"):
        if key in found:
            found[key] = base64.b64decode(found[key]).decode("utf-8", errors="replace")
    for key in ("exited", "out-truncated", "err-truncated"):
        if key in found:
            found[key] = int(found[key])
    return found

