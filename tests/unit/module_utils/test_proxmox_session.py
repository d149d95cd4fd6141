# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Something else than Proxmox that answers under the API's address is told as that."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_session import Connection
from certificate_factory import certificate_and_key

from tests.web_server import serving

NOW = datetime.datetime(2026, 11, 1)
TOKEN = {"token_id": "me@pve!one", "token_secret": "x"}
LOGIN = {"user": "me@pve", "password": "x"}
PAGE = "<html><title>Welcome</title></html>"


class Foreign(BaseHTTPRequestHandler):
    """Answers every request with what stands in ``answer``."""

    answer: tuple[int, str] = (200, PAGE)

    def reply(self) -> None:
        status, body = self.answer
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "/login")
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST = reply

    def log_message(self, *_args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Of a web server with TLS on the loopback."""
    (tmp_path / "server.pem").write_text("".join(certificate_and_key(1, NOW)), encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with serving(Foreign, context) as port:
        yield port


@pytest.mark.parametrize("answer", [(200, PAGE), (200, ""), (200, "[1]"), (200, '{"ok": true}'), (302, ""), (301, PAGE)])
@pytest.mark.parametrize("call", ["get", "get_whole", "post"])
def test_an_answer_that_is_not_of_proxmox_is_told_with_what_to_check(
    port: int, call: str, answer: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Foreign, "answer", answer)
    client = ProxmoxClient(Connection("127.0.0.1", port, validate_certs=False, **TOKEN))
    with pytest.raises(InfraError, match=f"127.0.0.1:{port} answers, but not as the Proxmox API .*check api_host and api_port"):
        getattr(client, call)("cluster/resources")
    client.close()


def test_a_login_at_something_else_is_told_too(port: int) -> None:
    client = ProxmoxClient(Connection("127.0.0.1", port, validate_certs=False, **LOGIN))
    with pytest.raises(InfraError, match="answers, but not as the Proxmox API"):
        client.get("version")
    client.close()


def test_an_empty_answer_of_proxmox_is_one(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Foreign, "answer", (200, '{"data": null}'))
    client = ProxmoxClient(Connection("127.0.0.1", port, validate_certs=False, **TOKEN))
    assert client.post("nodes/pve/qemu/100/config") is None
    client.close()
