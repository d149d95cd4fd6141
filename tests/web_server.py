"""A web server on 127.0.0.1 for as long as a block runs."""

from __future__ import annotations

import contextlib
import functools
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class Files(http.server.SimpleHTTPRequestHandler):
    """Answers with the files of a folder."""

    def log_message(self, *_arguments: object) -> None:
        """No lines among the test's output."""


@contextlib.contextmanager
def serving(handler: Callable[..., Any], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Its port. ``handler``: a class of ``http.server``, or what makes one of its kind."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The URL of a folder."""
    with serving(functools.partial(Files, directory=str(folder))) as port:
        yield f"http://127.0.0.1:{port}"
