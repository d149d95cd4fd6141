"""Requests and answers on the wire: which bodies are taken, how parameters are read, what an answer looks like."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from lab.pve.errors import ApiError
from lab.pve.protocol import REASON_HEADER, RESET_HEADER, STATUS_HEADER

PREFIX = "/api2/json"
MAX_BODY = 512 * 1024
METHODS_WITH_BODY = ("POST", "PUT")
KNOWN_METHODS = ("GET", "POST", "PUT", "DELETE")


@dataclass
class Request:
    """One HTTP request: `path` below the prefix, decoded; `query` and `body` as parameters."""

    method: str
    full_path: str
    headers: dict[str, str]
    query_string: str
    body: bytes = b""
    query: dict[str, Any] = field(default_factory=dict)


@dataclass
class Answer:
    """`status` may be any number of three digits; `payload` None sends no body; `reset` breaks the connection."""

    status: int
    payload: Any
    reason: str | None = None
    reset: bool = False


async def read_request(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]]) -> Request:
    """The whole request, or the 501 of a body that the server does not take."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    raw_path = scope["raw_path"].decode("latin-1")
    request = Request(scope["method"], unquote(raw_path), headers, scope["query_string"].decode("latin-1"))
    if request.method not in KNOWN_METHODS:
        raise ApiError(501, f"method '{request.method}' not available")
    if "transfer-encoding" in headers:
        raise ApiError(501, "chunked transfer encoding not supported")
    length = int(headers.get("content-length") or 0)
    if length and request.method not in METHODS_WITH_BODY:
        raise ApiError(501, f"Unexpected content for method '{request.method}'")
    kept = length <= MAX_BODY  # a larger one is read and dropped, so that the client hears why
    more = True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away")
        request.body += event.get("body", b"") if kept else b""
        more = event.get("more_body", False)
    if not kept:
        raise ApiError(501, "for data too large")
    return request


def parameters(request: Request) -> dict[str, Any]:
    """Query and body together, the query wins. A repeated key is a list; JSON keeps its types."""
    found: dict[str, Any] = {}
    if request.method in METHODS_WITH_BODY and request.body:
        kind = request.headers.get("content-type", "application/x-www-form-urlencoded").split(";")[0].strip().lower()
        if kind == "application/json":
            found.update(_json(request.body))
        elif kind == "application/x-www-form-urlencoded":
            found.update(_form(request.body.decode("utf-8", "replace")))
        else:
            raise ApiError(506, f"upload '{kind}' not implemented")
    return {**found, **_form(request.query_string)}


def _form(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name in found:
            earlier = found[name]
            found[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            found[name] = value
    return found


def _json(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError:
        raise ApiError(500, "malformed JSON string") from None
    if not isinstance(data, dict):
        raise ApiError(500, "malformed JSON string - expected an object")
    return data


def error_answer(error: ApiError, *, with_message: bool, bare: bool = False) -> Answer:
    """The first line is the reason phrase, all of it `message` (which servers before 2025 did not send)."""
    text = error.text.rstrip("\n")
    if bare:
        return Answer(error.status, None, text.split("\n")[0])
    payload: dict[str, Any] = {"data": None}
    if error.errors:
        payload["errors"] = error.errors
    if with_message:
        payload["message"] = text + "\n"
    return Answer(error.status, payload, text.split("\n")[0])


async def send(answer: Answer, send_event: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Write the answer as ASGI events with the internal headers of lab.pve.protocol."""
    body = b"" if answer.payload is None else json.dumps(answer.payload, ensure_ascii=False).encode()
    headers = [
        (b"cache-control", b"max-age=0"),
        (b"pragma", b"no-cache"),
        (b"content-type", b"application/json;charset=UTF-8" if body else b"text/plain"),
        (b"content-length", str(len(body)).encode()),
        (STATUS_HEADER, str(answer.status).encode()),
    ]
    if answer.reason is not None:
        printable = "".join(sign if sign.isprintable() else " " for sign in answer.reason)
        headers.append((REASON_HEADER, printable.encode()))
    if answer.reset:
        headers.append((RESET_HEADER, b"1"))
    status = answer.status if answer.status in (200, 400, 401, 403, 500, 501) else 500
    await send_event({"type": "http.response.start", "status": status, "headers": headers})
    await send_event({"type": "http.response.body", "body": body})
