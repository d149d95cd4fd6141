"""Client of the real QEMU guest agent inside a system, over its unix socket."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from pathlib import Path

# The agent drops half a request when it sees this byte, and sends it before an answer to guest-sync-delimited.
SENTINEL = b"\xff"
MAX_ANSWER = 64 * 1024 * 1024


class AgentNotAnswering(RuntimeError):
    """Nobody answers on the socket: the system is off, still booting, or has no agent."""


class AgentRefused(RuntimeError):
    """The agent answered with an error; the text is its own."""


async def ask(socket: Path, command: str, arguments: dict[str, object] | None = None, timeout: float = 3.0) -> object:
    """Send one command and return what the agent's `return` holds.

    The agent serves one client at a time, so callers take turns. Raises AgentNotAnswering, AgentRefused.
    """
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await _connect(socket)
            try:
                await _synchronise(reader, writer)
                return await _exchange(reader, writer, command, arguments)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise AgentNotAnswering(f"no answer from the guest agent: {error or 'timed out'}") from error


async def _connect(socket: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    # A socket's path may have 107 bytes; the folder's descriptor keeps it short wherever the state lies.
    folder = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        return await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/{socket.name}", limit=MAX_ANSWER)
    finally:
        os.close(folder)


async def _synchronise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Throw away what an earlier client left unread."""
    token = secrets.randbelow(2**31)
    writer.write(SENTINEL + _message("guest-sync-delimited", {"id": token}))
    await writer.drain()
    while True:
        await reader.readuntil(SENTINEL)
        answer = json.loads(await reader.readline())
        if answer.get("return") == token:
            return


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str, arguments: dict[str, object] | None
) -> object:
    writer.write(_message(command, arguments))
    await writer.drain()
    line = await reader.readline()
    if not line:
        raise AgentNotAnswering(f"the guest agent hung up on {command}")
    answer = json.loads(line)
    if "error" in answer:
        raise AgentRefused(str(answer["error"].get("desc", answer["error"])))
    return answer["return"]


def _message(command: str, arguments: dict[str, object] | None) -> bytes:
    message: dict[str, object] = {"execute": command}
    if arguments:
        message["arguments"] = arguments
    return json.dumps(message).encode() + b"\n"
