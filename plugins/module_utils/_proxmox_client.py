# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client of the Proxmox VE API: proxmoxer over our own session, with errors that tell sent from not sent."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

try:
    import requests
    from proxmoxer.core import ProxmoxResource, ResourceException

    HAS_PROXMOXER = True
except ImportError:
    HAS_PROXMOXER = False

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock, SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_session import ApiSession, Connection, Serializer
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import (
    ApiError,
    UnknownOutcomeError,
    UnreachableError,
    UntrustedError,
)

READ_ATTEMPTS = 4
# Codes that AnyEvent invents when pveproxy loses the connection to the daemon or node behind it.
_GATEWAY_CODES = range(595, 600)


class ProxmoxClient:
    """Requests by path below ``/api2/json``, such as ``nodes/pve/qemu/111/config``; may be used from several threads.

    Booleans are sent as 1 and 0, lists as the comma list that most options want. Reads are repeated after a lost
    connection; a write is never sent twice. Raises ApiError (with its status) when the server refused,
    UnreachableError when nothing was sent, UnknownOutcomeError when a write may or may not have been done, InfraError when
    something else than Proxmox answers.
    """

    def __init__(self, connection: Connection, clock: Clock | None = None) -> None:
        self.connection = connection
        self._clock = clock or SystemClock()
        self._session = ApiSession(connection)
        self._root = self._resource(Serializer(connection.address))
        self._whole = self._resource(Serializer(connection.address, whole=True))

    def get(self, path: str, **params: Any) -> Any:
        """Data of a GET. A lost connection or 595-599 is tried again, four times in all."""
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                return self._call("GET", path, params)
            except UntrustedError:
                raise
            except (UnreachableError, UnknownOutcomeError):
                if attempt == READ_ATTEMPTS:
                    raise
                self._clock.sleep(random.uniform(0.5, 1.5) * attempt)
        raise AssertionError("unreachable")

    def get_whole(self, path: str) -> dict[str, Any]:
        """The whole answer of a GET: ``data``, and what a few calls put beside it."""
        return self._call("GET", path, {}, self._whole)

    def post(self, path: str, **data: Any) -> Any:
        """Data of a POST: a task id, or null."""
        return self._call("POST", path, data)

    def put(self, path: str, **data: Any) -> Any:
        """Data of a PUT."""
        return self._call("PUT", path, data)

    def delete(self, path: str, **params: Any) -> Any:
        """Data of a DELETE; its options travel in the query."""
        return self._call("DELETE", path, params)

    def write(self, method: str, path: str, data: dict[str, Any]) -> Any:
        """A write by the name of its method."""
        return self._call(method, path, data)

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _resource(self, serializer: Serializer) -> Any:
        return ProxmoxResource(base_url=self.connection.base_url, session=self._session, serializer=serializer)

    def _call(self, method: str, path: str, values: dict[str, Any], root: Any = None) -> Any:
        values = {key: _encoded(value) for key, value in values.items() if value is not None}
        resource = (root or self._root)("/".join(quote(part, safe="!@:") for part in path.strip("/").split("/")))
        call: Callable[..., Any] = getattr(resource, method.lower())
        try:
            return call(**values)
        except ResourceException as error:
            details = error.errors if isinstance(error.errors, dict) else {}
            text = details.get("message") or error.content.split(" - {")[0]
            if error.status_code in _GATEWAY_CODES:
                raise UnknownOutcomeError(
                    f"{method} /{path}: the proxy answered {error.status_code} ({str(text).strip()}), so the outcome is not known"
                ) from error
            raise ApiError(method, path, error.status_code, str(text), details.get("errors")) from error
        except requests.exceptions.SSLError as error:
            raise UntrustedError(self._tls_text(error)) from error
        except requests.exceptions.RequestException as error:
            if isinstance(error, requests.exceptions.ConnectTimeout) or _never_connected(error):
                raise UnreachableError(
                    f"{self.connection.address} cannot be reached: {_root_cause(error)}. "
                    f"Check api_host and api_port (PROXMOX_HOST, PROXMOX_PORT) and the way there"
                ) from error
            raise UnknownOutcomeError(f"{method} /{path}: no answer came ({_root_cause(error)})") from error

    def _tls_text(self, error: Exception) -> str:
        host = self.connection.address
        cause = _root_cause(error)
        if self.connection.fingerprint:
            return (
                f"{host} shows another certificate than api_fingerprint says ({cause}). `pvenode cert info` on the host "
                f"prints the right one; unless it was renewed, find out who answers here"
            )
        return (
            f"the certificate of {host} is not trusted: {cause}. Give api_fingerprint (PROXMOX_FINGERPRINT; `pvenode cert "
            f"info` on the host prints it), or ca_path (PROXMOX_CA_PATH; on the host: /etc/pve/pve-root-ca.pem) and an "
            f"api_host that the certificate names"
        )


def _encoded(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return value


def _never_connected(error: BaseException) -> bool:
    """A connection that could not be opened: the request was not sent."""
    for cause in _causes(error):
        if type(cause).__name__ in ("NewConnectionError", "ConnectTimeoutError", "NameResolutionError"):
            return True
    return False


def _root_cause(error: BaseException) -> str:
    """The innermost text of a chain of wrapped errors."""
    last = list(_causes(error))[-1]
    return str(last) or type(last).__name__


def _causes(error: BaseException) -> Any:
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        yield current
        inner = [
            getattr(current, "reason", None),
            *getattr(current, "args", ()),
            current.__cause__,
            current.__context__,
        ]
        current = next((item for item in inner if isinstance(item, BaseException) and item not in seen), None)
