"""The HTTP connection as pveproxy keeps it: own reason phrases, odd status numbers, and when it is closed.

ASGI has neither reason phrases nor statuses above 599's registry, so the application puts them into internal headers,
which are taken out here, in the last step before the wire.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

STATUS_HEADER = b"x-lab-status"
REASON_HEADER = b"x-lab-reason"
RESET_HEADER = b"x-lab-reset"
KEEP_ALIVE_SECONDS = 5
REQUESTS_PER_CONNECTION = 100


class _Connection(h11.Connection):
    """Rewrites each response by the internal headers and counts them."""

    def __init__(self, *args: Any, owner: PveProtocol, **options: Any) -> None:
        super().__init__(*args, **options)
        self._owner = owner
        self._answered = 0

    def send(self, event: h11.Event) -> bytes | None:
        if not isinstance(event, h11.Response):
            return super().send(event)
        self._answered += 1
        internal = {name: value for name, value in event.headers if name.startswith(b"x-lab-")}
        headers = [(name, value) for name, value in event.headers if not name.startswith(b"x-lab-")]
        status = int(internal.get(STATUS_HEADER, event.status_code))
        if status >= 400 or self._answered >= REQUESTS_PER_CONNECTION:
            headers.append((b"connection", b"close"))
        reason = internal.get(REASON_HEADER, event.reason)
        sent = super().send(h11.Response(status_code=status, headers=headers, reason=reason))
        if RESET_HEADER in internal:
            self._owner.reset()
            return b""
        return sent


class PveProtocol(H11Protocol):
    """uvicorn's protocol on such a connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn = _Connection(h11.SERVER, owner=self)

    def reset(self) -> None:
        """End the TCP connection with a reset, as a host does whose process died."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
