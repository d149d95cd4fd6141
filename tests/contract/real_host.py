"""A real Proxmox VE in place of the emulator, by token. Nobody has run it on a true one so far."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from lab.pve.client import Client
from tests.contract.scratch import POOL

_HARMLESS = ("/no/such/path", "/version")  # no operation of any release writes there


class OutsideTheScratchPoolError(AssertionError):
    """A test was about to write where no test may write on a real host."""


def may_be_sent(method: str, path: str, body: dict[str, list[str]], vmid: int | None) -> bool:
    """Is the request a reading one, or one about the throwaway guest `vmid` alone? `path` is below /api2/json."""
    if method == "GET" or path in _HARMLESS:
        return True
    if vmid is None:
        return False
    if re.fullmatch(rf"/nodes/[^/]+/qemu/{vmid}(/[^/.].*)?", path):
        return True
    creates = method == "POST" and re.fullmatch(r"/nodes/[^/]+/qemu", path)
    return bool(creates) and body.get("vmid") == [str(vmid)] and body.get("pool") == [POOL]


class _FencedSession(requests.Session):
    """Lets only requests out that `may_be_sent`."""

    def __init__(self, host: RealHost) -> None:
        super().__init__()
        self._host = host

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        path = urlsplit(str(request.url)).path.removeprefix("/api2/json")
        body = parse_qs(request.body) if isinstance(request.body, str) else {}
        if not may_be_sent(str(request.method), path, body, self._host.vmid):
            raise OutsideTheScratchPoolError(f"{request.method} {path} was held back: it is not about the throwaway "
                                             f"guest {self._host.vmid}")
        return super().send(request, **options)


class RealHost(Client):
    """The client that tests on a real host use. `vmid` is the only guest that it lets them write to."""

    longest_pause = 1.0
    vmid: int | None = None

    def __init__(self, connection: dict[str, Any]) -> None:
        self.connection = connection

    @classmethod
    def from_environment(cls) -> RealHost:
        needed = ("PROXMOX_HOST", "PROXMOX_USER", "PROXMOX_TOKEN_ID", "PROXMOX_TOKEN_SECRET")
        missing = [name for name in needed if not os.environ.get(name)]
        if missing:
            pytest.exit(f"--real needs {', '.join(missing)} in the environment", returncode=2)
        user, _mark, name = os.environ["PROXMOX_TOKEN_ID"].rpartition("!")
        return cls({"host": os.environ["PROXMOX_HOST"], "port": int(os.environ.get("PROXMOX_PORT") or 8006),
                    "user": user or os.environ["PROXMOX_USER"], "token_id": name,
                    "token_secret": os.environ["PROXMOX_TOKEN_SECRET"],
                    "ca_path": os.environ.get("PROXMOX_CA_PATH") or None})

    def new_session(self) -> requests.Session:
        return _FencedSession(self)
