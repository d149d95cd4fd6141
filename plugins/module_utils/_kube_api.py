# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API, as plain dictionaries: reading, server-side apply, and errors that say what came back.

Paths are those of the API (``/api/v1/nodes``); nothing is discovered beforehand, so a call costs one request.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock, SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

try:
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.client.rest import ApiException
    from kubernetes.config import ConfigException, load_kube_config
    from kubernetes.dynamic import DynamicClient
    from urllib3.exceptions import HTTPError

    HAS_KUBERNETES = True
except ImportError:
    HAS_KUBERNETES = False

REQUEST_TIMEOUT = 30
"""Seconds for one request."""

BUSY = 429
"""The API asks to come again: it is busy, or has just learnt a kind and is reading its objects. Nothing was done."""
BUSY_TIMEOUT = 30.0
BUSY_PAUSE = 1.0
"""Seconds: how long one request is repeated for that, and how often."""

APPLY = "application/apply-patch+yaml"


class KubeError(InfraError):
    """The API refused a request. ``status`` is the HTTP status, ``reason`` the API's word for it."""

    def __init__(self, text: str, status: int, reason: str = "", causes: Sequence[Mapping[str, Any]] = ()) -> None:
        self.status = status
        self.reason = reason
        self.causes = list(causes)
        super().__init__(text)


class KubeUnreachable(InfraError):
    """The API did not answer."""


class KubeApi:
    """One API server. ``manager`` is the name under which server-side apply owns fields."""

    def __init__(self, configuration: Any, manager: str = "detectviz.infra", clock: Clock | None = None) -> None:
        self.host = str(configuration.host)
        self.ca_file: str | None = configuration.ssl_ca_cert
        self.manager = manager
        self._clock = clock or SystemClock()
        # Discovery would read every API group first, and cache it in a file that others may write.
        self._client = DynamicClient(ApiClient(configuration), discoverer=lambda *_unused: None)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The object or list at a path."""
        return json.loads(self._request("get", path, query) or "{}")

    def text(self, path: str, **query: str) -> str:
        """An answer that is no JSON, such as that of /readyz."""
        return self._request("get", path, query)

    def find(self, path: str, **query: str) -> dict[str, Any] | None:
        """The object, or None where there is none (or its kind is not known to the server)."""
        try:
            return self.get(path, **query)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, **query: str) -> list[dict[str, Any]]:
        """The objects of a list."""
        return list(self.get(path, **query).get("items") or [])

    def apply(self, path: str, body: Mapping[str, Any], force: bool = False, dry_run: bool = False) -> dict[str, Any]:
        """Server-side apply of one object; unknown fields are refused. Returns the object as it is then."""
        query = {"fieldManager": self.manager, "fieldValidation": "Strict", "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        return json.loads(self._request("patch", path, query, body=dict(body), content_type=APPLY))

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A new object below the path of its list."""
        return json.loads(self._request("post", path, {"fieldManager": self.manager}, body=dict(body)))

    def delete(self, path: str, **query: str) -> None:
        """Removes an object; one that is gone already is no error."""
        try:
            self._request("delete", path, query)
        except KubeError as error:
            if error.status != 404:
                raise

    def _request(self, method: str, path: str, query: Mapping[str, str], **more: Any) -> str:
        end = self._clock.monotonic() + BUSY_TIMEOUT
        while True:
            try:
                return self._request_once(method, path, query, **more)
            except KubeError as error:
                if error.status != BUSY or self._clock.monotonic() >= end:
                    raise
            self._clock.sleep(BUSY_PAUSE)

    def _request_once(self, method: str, path: str, query: Mapping[str, str], **more: Any) -> str:
        try:
            answer = self._client.request(
                method,
                path,
                serialize=False,
                query_params=list(query.items()),
                header_params={"Accept": "application/json, */*"},
                _request_timeout=REQUEST_TIMEOUT,
                **more,
            )
        except ApiException as error:
            raise refusal(method, path, self.host, error.status, error.body) from error
        except (HTTPError, OSError) as error:
            raise KubeUnreachable(
                f"{self.host} does not answer ({_short(error)}): check the address, and whether the API server runs"
            ) from error
        return (answer.data or b"").decode("utf-8", "replace")


def refusal(method: str, path: str, host: str, status: int | None, body: Any) -> KubeError:
    """The error for an answer of the API: its own message and causes where it sent a Status object."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        told = json.loads(text)
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    message = str(told.get("message") or text.strip() or "no reason given")
    hint = {
        401: ": the credentials are not accepted; use a kubeconfig of this cluster",
        403: ": the user may not; use a kubeconfig of a cluster administrator",
    }.get(int(status or 0), "")
    causes = (told.get("details") or {}).get("causes") or []
    line = f"{method.upper()} {host}{path} was refused with {status}: {message}{hint}"
    return KubeError(line, int(status or 0), str(told.get("reason") or ""), causes)


def configuration_of(params: Mapping[str, Any], temp_dir: str | None = None) -> Any:
    """The client's configuration for the options of ``_kube_args``. Raises InfraError.

    ``temp_dir`` takes the certificates that a kubeconfig holds inline: the library reads them from files only.
    """
    configuration = Configuration()
    path = params.get("kubeconfig")
    if not params.get("host"):
        if path and os.pathsep not in path and not os.path.exists(path):
            raise InfraError(f"kubeconfig {path} is not there: name the one of the cluster, or make the cluster first")
        try:
            load_kube_config(
                config_file=path or None,
                context=params.get("context") or None,
                client_configuration=configuration,
                persist_config=False,
                temp_file_path=temp_dir,
            )
        except (ConfigException, OSError, ValueError, TypeError, KeyError) as error:
            raise InfraError(f"kubeconfig {path or '~/.kube/config'} cannot be used: {_short(error)}") from error
    else:
        configuration.host = params["host"]
    if params.get("api_key"):
        configuration.api_key = {"authorization": f"Bearer {params['api_key']}"}
    for option, attribute in (("ca_cert", "ssl_ca_cert"), ("client_cert", "cert_file"), ("client_key", "key_file")):
        if params.get(option):
            setattr(configuration, attribute, params[option])
    if params.get("validate_certs") is not None:
        configuration.verify_ssl = params["validate_certs"]
    # Waiting is the caller's, with a limit that the user sees.
    configuration.retries = False
    return configuration


def _short(error: BaseException) -> str:
    text = str(getattr(error, "reason", None) or error)
    return text.partition("\n")[0].strip() or type(error).__name__
