"""A real Proxmox VE in place of the emulator, by token. It has not been run by us so far."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
import requests


class RealHost:
    """The calls that tests on a real host may use."""

    def __init__(self, url: str, authorization: str, verify: str | bool) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = verify
        self._session.headers["Authorization"] = authorization

    @classmethod
    def from_environment(cls) -> RealHost:
        needed = ("PROXMOX_HOST", "PROXMOX_USER", "PROXMOX_TOKEN_ID", "PROXMOX_TOKEN_SECRET")
        missing = [name for name in needed if not os.environ.get(name)]
        if missing:
            pytest.exit(f"--real needs {', '.join(missing)} in the environment", returncode=2)
        token = os.environ["PROXMOX_TOKEN_ID"]
        name = token if "!" in token else f"{os.environ['PROXMOX_USER']}!{token}"
        return cls(f"https://{os.environ['PROXMOX_HOST']}:{os.environ.get('PROXMOX_PORT', '8006')}",
                   f"PVEAPIToken={name}={os.environ['PROXMOX_TOKEN_SECRET']}",
                   os.environ.get("PROXMOX_CA_PATH") or True)

    def call(self, method: str, path: str, _session: Any = None, /, **data: Any) -> requests.Response:
        place = "params" if method in ("GET", "DELETE") else "data"
        return self._session.request(method, f"{self._url}/api2/json{path}", timeout=60, **{place: data})

    def wait(self, upid: str, timeout: float = 120.0) -> str:
        """The exit status of a task."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            task = self.call("GET", f"/nodes/{upid.split(':')[1]}/tasks/{upid}/status").json()["data"]
            if task["status"] == "stopped":
                return task["exitstatus"]
            time.sleep(0.5)
        raise TimeoutError(f"{upid} did not end in {timeout} s")
