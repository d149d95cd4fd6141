# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTPS session that proxmoxer works on: our own timeouts, trust, connections and error texts.

proxmoxer's own session waits 5 seconds for everything, keeps connections longer than Proxmox does (5 s idle, so that a
pooled POST races with the close), cannot pin a certificate and drops the server's ``message``.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

try:
    import requests
    from requests.adapters import HTTPAdapter

    HAS_REQUESTS = True
except ImportError:
    HAS_REQUESTS = False
    HTTPAdapter = object

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

CONNECT_SECONDS = 5
READ_SECONDS = 60  # Proxmox forwards for up to 30 s, and a worker may be busy before
IDLE_SECONDS = 3  # Proxmox closes at 5
TICKET_SECONDS = 3600  # a ticket lives for two hours


@dataclass(frozen=True)
class Connection:
    """How to reach and to trust one Proxmox API. ``user`` is ``name@realm``, ``fingerprint`` SHA-256 in hex."""

    host: str
    port: int = 8006
    user: str = ""
    password: str | None = None
    token_id: str | None = None
    token_secret: str | None = None
    validate_certs: bool = True
    ca_path: str | None = None
    fingerprint: str | None = None

    @property
    def base_url(self) -> str:
        """Address of the JSON API."""
        host = f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host
        return f"https://{host}:{self.port}/api2/json"

    @property
    def address(self) -> str:
        """Host and port, as messages name them."""
        return f"{self.host}:{self.port}"

    @property
    def token_name(self) -> str | None:
        """``user@realm!name`` of the token, from a bare name or a full one."""
        if not self.token_id:
            return None
        return self.token_id if "!" in self.token_id else f"{self.user}!{self.token_id}"

    @property
    def identity(self) -> str:
        """Who the requests come from, as Proxmox writes it into task ids."""
        return self.token_name or self.user


class _PinningAdapter(HTTPAdapter):
    """Trusts one certificate by its SHA-256 fingerprint, whoever signed it."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, assert_fingerprint=self._fingerprint, **kwargs)


class ApiSession:
    """Sends one request at a time per connection; may be used from several threads.

    Writes go over a fresh connection. Reads take one that was used less than three seconds ago, or a fresh one. A
    connection that saw an error is closed, as Proxmox does it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._idle: list[tuple[float, Any]] = []
        self._lock = threading.Lock()
        self._ticket: tuple[float, str, str] | None = None

    def request(
        self, method: str, url: str, data: dict[str, Any] | None = None, params: dict[str, Any] | None = None
    ) -> Any:
        """The answer, whatever its status, but for a redirection, which Proxmox never sends. Raises what requests raises
        when there is none."""
        headers = self._authorization(method)
        answer = self._send(method, url, data, params, headers)
        if 300 <= answer.status_code < 400:
            raise _not_proxmox(answer, self._connection.address)
        return answer

    def close(self) -> None:
        """Closes all idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _since, session in idle:
            session.close()

    def _send(self, method: str, url: str, data: Any, params: Any, headers: dict[str, str]) -> Any:
        session = self._take() if method == "GET" else self._fresh()
        try:
            answer = session.request(
                method,
                url,
                data=data,
                params=params,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except BaseException:
            session.close()
            raise
        if answer.status_code < 400:
            with self._lock:
                self._idle.append((time.monotonic(), session))
        else:
            session.close()
        return answer

    def _take(self) -> Any:
        """The connection that was used last, when it is young enough."""
        stale: list[Any] = []
        found = None
        with self._lock:
            while self._idle and found is None:
                since, session = self._idle.pop()
                if time.monotonic() - since < IDLE_SECONDS:
                    found = session
                else:
                    stale.append(session)
        for session in stale:
            session.close()
        return found or self._fresh()

    def _fresh(self) -> Any:
        session = requests.Session()
        session.trust_env = False  # no proxy and no .netrc between us and the host
        if self._connection.fingerprint:
            session.verify = False
            session.mount("https://", _PinningAdapter(self._connection.fingerprint))
        elif not self._connection.validate_certs:
            session.verify = False
            requests.packages.urllib3.disable_warnings()  # the module itself has warned, once
        elif self._connection.ca_path:
            session.verify = self._connection.ca_path
        return session

    def _authorization(self, method: str) -> dict[str, str]:
        connection = self._connection
        if connection.token_name:
            return {"Authorization": f"PVEAPIToken={connection.token_name}={connection.token_secret}"}
        with self._lock:
            ticket = self._ticket
        if ticket is None or time.monotonic() - ticket[0] > TICKET_SECONDS:
            ticket = self._login()
            with self._lock:
                self._ticket = ticket
        headers = {"Cookie": f"PVEAuthCookie={ticket[1]}"}
        if method != "GET":
            headers["CSRFPreventionToken"] = ticket[2]
        return headers

    def _login(self) -> tuple[float, str, str]:
        connection = self._connection
        url = f"{connection.base_url}/access/ticket"
        answer = self._send("POST", url, {"username": connection.user, "password": connection.password or ""}, None, {})
        if answer.status_code != 200:
            raise InfraError(
                f"{connection.user} cannot log in at {connection.host}: {answer.status_code} {answer.reason}. "
                f"Check api_user (name@realm) and api_password, or use a token"
            )
        data = _data_of(answer, connection.address)["data"]
        if data.get("NeedTFA"):
            raise InfraError(f"{connection.user} needs a second factor; use an API token (api_token_id) instead")
        return time.monotonic(), data["ticket"], data["CSRFPreventionToken"]


class Serializer:
    """Reads answers for proxmoxer; of errors it keeps the whole ``message``, which proxmoxer itself drops.

    ``address`` is that of the API. ``whole``: a good answer is given with what stands beside its ``data``.
    """

    def __init__(self, address: str, whole: bool = False) -> None:
        self._address = address
        self._whole = whole

    def get_accept_types(self) -> str:
        """The Accept header."""
        return "application/json"

    def loads(self, answer: Any) -> Any:
        """The ``data`` of a good answer. Raises InfraError where it is not Proxmox's."""
        body = _data_of(answer, self._address)
        return body if self._whole else body["data"]

    def loads_errors(self, answer: Any) -> dict[str, Any]:
        """``{"message": full text or "", "errors": {parameter: text}}`` of a bad one."""
        body = _json(answer)
        return {"message": str(body.get("message") or ""), "errors": body.get("errors") or {}}


def _data_of(answer: Any, address: str) -> dict[str, Any]:
    """A good answer with its ``data``, which Proxmox writes even where it is null."""
    body = _json(answer)
    if "data" not in body:
        raise _not_proxmox(answer, address)
    return body


def _not_proxmox(answer: Any, address: str) -> InfraError:
    return InfraError(
        f"{address} answers, but not as the Proxmox API ({answer.status_code} {answer.reason}); check api_host and api_port "
        f"(PROXMOX_HOST, PROXMOX_PORT)"
    )


def _json(answer: Any) -> dict[str, Any]:
    try:
        body = json.loads(answer.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
