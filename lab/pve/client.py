"""Clients of one Proxmox VE, emulated or real: those that users have, requests and proxmoxer.

They are imported when they are asked for.
"""

from __future__ import annotations

import time
from typing import Any


class Client:
    """`connection` has host, port, user, token_id, token_secret and ca_path (None: the system's authorities)."""

    connection: dict[str, Any]
    longest_pause = 0.05  # seconds between two looks at a task; the first ones follow faster

    @property
    def url(self) -> str:
        return f"https://{self.connection['host']}:{self.connection['port']}"

    @property
    def identity(self) -> str:
        """The token's name: user@realm!token."""
        return f"{self.connection['user']}!{self.connection['token_id']}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that our modules and community.proxmox read, for the token."""
        variables = {"PROXMOX_HOST": self.connection["host"], "PROXMOX_PORT": str(self.connection["port"]),
                     "PROXMOX_USER": self.connection["user"], "PROXMOX_TOKEN_ID": self.connection["token_id"],
                     "PROXMOX_TOKEN_SECRET": self.connection["token_secret"]}
        ca_path = self.connection["ca_path"]
        return {**variables, "PROXMOX_CA_PATH": ca_path} if ca_path else variables

    @property
    def verify(self) -> str | bool:
        """What requests and proxmoxer take for the certificate."""
        return self.connection["ca_path"] or True

    def new_session(self) -> Any:
        """A requests session that logs in as nobody."""
        import requests

        return requests.Session()

    def session(self, token: str | None = None, user: str | None = None, password: str | None = None) -> Any:
        """A requests session: the connection's token, `token` ("user@realm!id=secret"), or a login."""
        session = self.new_session()
        session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
        session.verify = self.verify
        if user is not None:
            answer = session.post(f"{self.url}/api2/json/access/ticket", timeout=30, data={
                "username": user, "password": password or self.connection["password"]})
            answer.raise_for_status()
            data = answer.json()["data"]
            session.cookies.set("PVEAuthCookie", data["ticket"])
            session.headers["CSRFPreventionToken"] = data["CSRFPreventionToken"]
            return session
        session.headers["Authorization"] = f"PVEAPIToken={token or self.identity + '=' + self.connection['token_secret']}"
        return session

    def api(self, **options: Any) -> Any:
        """proxmoxer with the connection's token, or with the options given."""
        import proxmoxer

        if not options:
            options = {"user": self.connection["user"], "token_name": self.connection["token_id"],
                       "token_value": self.connection["token_secret"]}
        return proxmoxer.ProxmoxAPI(self.connection["host"], port=self.connection["port"], verify_ssl=self.verify,
                                    timeout=60, **options)

    def call(self, method: str, path: str, session: Any = None, /, **data: Any) -> Any:
        """One request below /api2/json; the answer as requests gives it."""
        session = session or self.session()
        place = "params" if method in ("GET", "DELETE") else "data"
        return session.request(method, f"{self.url}/api2/json{path}", timeout=60, **{place: data})

    def wait(self, upid: str, timeout: float = 60.0) -> str:
        """The exit status of a task; TimeoutError when it does not end."""
        node, deadline = upid.split(":")[1], time.monotonic() + timeout
        session, pause = self.session(), 0.02
        while time.monotonic() < deadline:
            task = self.call("GET", f"/nodes/{node}/tasks/{upid}/status", session).json()["data"]
            if task["status"] == "stopped":
                return task["exitstatus"]
            time.sleep(pause)
            pause = min(2 * pause, self.longest_pause)
        raise TimeoutError(f"{upid} did not end in {timeout} s")
