# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON over HTTPS with client certificates: the API server and etcd, asked with nothing but Python's own library.

Nodes need no Python packages for it, and the control machine reads a whole cluster in a few milliseconds.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

MERGE_PATCH = "application/merge-patch+json"


class ApiUnreachable(InfraError):
    """No answer: nothing listens, the time was over, or the certificate is not one of the cluster's."""


class ApiRefused(InfraError):
    """The server answered with an error. ``status`` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


@dataclass(frozen=True)
class Credentials:
    """Paths of PEM files. Without ``ca`` the server is not verified: only for asking whether anything answers."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


class HttpsJson:
    """One server. Each request is a connection of its own, as servers go and come while a cluster is made."""

    def __init__(self, address: str, port: int, credentials: Credentials, timeout: float = 5) -> None:
        self._address, self._port, self._timeout = address, port, timeout
        self._context = tls_context(credentials)

    def get(self, path: str) -> Any:
        """The answer's JSON; text that is no JSON as text."""
        return self.request("GET", path)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Creates, or calls."""
        return self.request("POST", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """A merge patch."""
        return self.request("PATCH", path, body, MERGE_PATCH)

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = "application/json"
    ) -> Any:
        """Raises ApiUnreachable or ApiRefused."""
        where = f"{method} https://{host_port(self._address, self._port)}{path}"
        connection = http.client.HTTPSConnection(
            self._address, self._port, timeout=self._timeout, context=self._context
        )
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": content_type, "Accept": "application/json"})
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise ApiUnreachable(f"{where}: {error}") from error
        finally:
            connection.close()
        if response.status >= 400:
            raise ApiRefused(response.status, f"{where}: HTTP {response.status}: {_message(text)}")
        try:
            return json.loads(text)
        except ValueError:
            return text


def tls_context(credentials: Credentials) -> ssl.SSLContext:
    """Raises ApiUnreachable when a file is missing or is no certificate."""
    try:
        context = ssl.create_default_context(cafile=credentials.ca)
        # Strict mode asks for extensions that the certificates of Kubernetes need not have.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if credentials.ca is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if credentials.certificate:
            context.load_cert_chain(credentials.certificate, credentials.key)
    except (OSError, ValueError) as error:
        raise ApiUnreachable(f"certificates {credentials}: {error}") from error
    return context


def host_port(address: str, port: int) -> str:
    """``192.0.2.1:6443``, ``[2001:db8::1]:6443``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@contextmanager
def secret_files(**contents: bytes) -> Iterator[dict[str, str]]:
    """Paths of files with these contents that are gone afterwards; in memory where the system can."""
    opened: list[int] = []
    paths: dict[str, str] = {}
    named: list[str] = []
    try:
        for name, content in contents.items():
            if hasattr(os, "memfd_create"):
                handle = os.memfd_create(name)
                paths[name] = f"/proc/self/fd/{handle}"
            else:
                handle, paths[name] = tempfile.mkstemp(prefix="detectviz-")
                named.append(paths[name])
            opened.append(handle)
            os.write(handle, content)
        yield paths
    finally:
        for handle in opened:
            os.close(handle)
        for path in named:
            os.unlink(path)


def from_kubeconfig(kubeconfig: Mapping[str, Any], timeout: float = 10) -> HttpsJson:
    """The server that a parsed kubeconfig's current context names. Raises InfraError if it has no certificates."""
    try:
        context = _named(kubeconfig["contexts"], kubeconfig["current-context"])["context"]
        cluster = _named(kubeconfig["clusters"], context["cluster"])["cluster"]
        user = _named(kubeconfig["users"], context["user"])["user"]
        parts = {
            "ca": base64.b64decode(cluster["certificate-authority-data"]),
            "certificate": base64.b64decode(user["client-certificate-data"]),
            "key": base64.b64decode(user["client-key-data"]),
        }
        host, _colon, port = cluster["server"].partition("://")[2].rstrip("/").rpartition(":")
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise InfraError(f"the kubeconfig has no current context with certificates in it: {error!r}") from error
    with secret_files(**parts) as paths:
        return HttpsJson(host.strip("[]"), int(port), Credentials(**paths), timeout)


def _named(items: Any, name: str) -> Any:
    return next(item for item in items if item["name"] == name)


def _message(text: str) -> str:
    """What a Status object, or etcd, says went wrong."""
    try:
        answer = json.loads(text)
        return str(answer.get("message") or answer.get("error") or text)[:500]
    except (ValueError, AttributeError):
        return text[:500]
