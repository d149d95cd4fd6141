# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate that a server shows to whoever connects."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit


def served_certificate(url: str, ca_file: str | None) -> dict[str, Any]:
    """``names`` and ``not_after`` (ISO 8601) of what the server at ``url`` shows, or ``error``.

    The name that was dialled need not be among them: that is what is checked.
    """
    parts = urlsplit(url)
    try:
        context = ssl.create_default_context(cafile=ca_file)
        # Strict mode asks for extensions that the certificates of Kubernetes need not have.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.check_hostname = False
        with socket.create_connection((parts.hostname or "", parts.port or 443), 10) as plain:
            with context.wrap_socket(plain) as secure:
                shown = secure.getpeercert() or {}
    except (OSError, ValueError) as error:
        return {"names": [], "not_after": None, "error": str(error)}
    end = datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), datetime.timezone.utc)
    names = [plain_name(str(entry[1])) for entry in shown.get("subjectAltName") or ()]
    return {"names": names, "not_after": end.isoformat(), "error": None}


def plain_name(text: str) -> str:
    """An address in its one short form, which an IPv6 address of a certificate does not come in; a name as it is."""
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return text
