# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands for an API server of which one answer matters."""

from __future__ import annotations

import http.server
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.web_server import serving


@contextmanager
def answering(status: int, text: str) -> Iterator[tuple[str, list[str]]]:
    """The URL of a server that answers so, whatever it is asked, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode("ascii"))

        def log_message(self, *_words: Any) -> None:
            """Says nothing."""

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}", asked
