# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of the certificate that a server shows."""

from __future__ import annotations

import datetime
import http.server
import ssl
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import plain_name, served_certificate
from certificate_factory import certificate_and_key

from tests.web_server import serving


def test_addresses_of_a_certificate_are_told_in_their_short_form(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    pem, key = certificate_and_key(30, now, "fd00::11")
    shown = tmp_path / "shown.pem"
    shown.write_text(pem + key, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown)
    with serving(http.server.BaseHTTPRequestHandler, context) as port:
        seen = served_certificate(f"https://127.0.0.1:{port}", str(shown))
    assert seen == {
        "names": ["k8s.example.net", "192.0.2.10", "fd00::11"],
        "not_after": (now + datetime.timedelta(days=30, hours=1)).isoformat(),
        "error": None,
    }
    assert "refused" in served_certificate(f"https://127.0.0.1:{port}", str(shown))["error"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [("FD00:0:0:0:0:0:0:11", "fd00::11"), ("fd00::11", "fd00::11"), ("192.0.2.10", "192.0.2.10"), ("k8s-api", "k8s-api")],
)
def test_an_address_has_one_form_and_a_name_stays(text: str, plain: str) -> None:
    assert plain_name(text) == plain
