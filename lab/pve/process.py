"""An emulator as a process of its own, for tests and benchmarks.

    with Emulator.start(folder, time_scale=0.05) as pve:
        pve.api().nodes.get()

Clients are those that users have: requests and proxmoxer. They are imported when they are asked for.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 60.0  # seconds; a first start on a fresh machine fetches the schema


class Emulator:
    """One running emulator and how to reach it. `options` are those of `python -m lab pve`, with underscores."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.options = {"port": 0, "time_scale": 0.05, **options}
        self._process: subprocess.Popen[bytes] | None = None
        self.connection: dict[str, Any] = {}

    @classmethod
    def start(cls, folder: Path, **options: Any) -> Emulator:
        emulator = cls(folder, **options)
        emulator.run()
        return emulator

    # -- life ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start it on its folder and wait until it listens. RuntimeError has what it printed."""
        file = self.folder / "connection.json"
        file.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log, cwd=ROOT,
                                             env={**os.environ, "PYTHONPATH": str(ROOT)})
        deadline = time.monotonic() + START_TIMEOUT
        while not file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the emulator did not start:\n{self.log_path.read_text()[-4000:]}")
            time.sleep(0.02)
        self.connection = json.loads(file.read_text(encoding="utf-8"))

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "lab", "pve", "--state", str(self.folder)]
        for name, value in self.options.items():
            option = f"--{name.replace('_', '-')}"
            if value is True:
                command.append(option)
            elif value is not None and value is not False:
                command += [option, str(value)]
        return command

    def stop(self) -> None:
        """A clean end, as by SIGTERM."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """What a power cut does."""
        self._signal(signal.SIGKILL)

    def restart(self) -> None:
        """Stop (if it still runs) and start again on the same state; the port may be another."""
        self.stop()
        self.run()

    def _signal(self, number: int) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    # -- clients ------------------------------------------------------------------------------------------------

    @property
    def log_path(self) -> Path:
        """What it printed."""
        return self.folder / "emulator.log"

    @property
    def url(self) -> str:
        return f"https://{self.connection['host']}:{self.connection['port']}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that our modules and community.proxmox read, for the administrator's token."""
        return {"PROXMOX_HOST": self.connection["host"], "PROXMOX_PORT": str(self.connection["port"]),
                "PROXMOX_USER": self.connection["user"], "PROXMOX_TOKEN_ID": self.connection["token_id"],
                "PROXMOX_TOKEN_SECRET": self.connection["token_secret"],
                "PROXMOX_CA_PATH": self.connection["ca_path"]}

    def session(self, token: str | None = None, user: str | None = None, password: str | None = None) -> Any:
        """A requests session: the administrator's token, `token` ("user@realm!id=secret"), or a login."""
        import requests

        session = requests.Session()
        session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
        session.verify = self.connection["ca_path"]
        if user is not None:
            answer = session.post(f"{self.url}/api2/json/access/ticket", timeout=30, data={
                "username": user, "password": password or self.connection["password"]})
            answer.raise_for_status()
            data = answer.json()["data"]
            session.cookies.set("PVEAuthCookie", data["ticket"])
            session.headers["CSRFPreventionToken"] = data["CSRFPreventionToken"]
            return session
        own = f"{self.connection['user']}!{self.connection['token_id']}={self.connection['token_secret']}"
        session.headers["Authorization"] = f"PVEAPIToken={token or own}"
        return session

    def api(self, **options: Any) -> Any:
        """proxmoxer with the administrator's token, or with the options given."""
        import proxmoxer

        if not options:
            options = {"user": self.connection["user"], "token_name": self.connection["token_id"],
                       "token_value": self.connection["token_secret"]}
        return proxmoxer.ProxmoxAPI(self.connection["host"], port=self.connection["port"],
                                    verify_ssl=self.connection["ca_path"], timeout=60, **options)

    def call(self, method: str, path: str, session: Any = None, /, **data: Any) -> Any:
        """One request below /api2/json; the answer as requests gives it."""
        session = session or self.session()
        place = "params" if method in ("GET", "DELETE") else "data"
        return session.request(method, f"{self.url}/api2/json{path}", timeout=60, **{place: data})

    def wait(self, upid: str, timeout: float = 60.0) -> str:
        """The exit status of a task; TimeoutError when it does not end."""
        node, deadline = upid.split(":")[1], time.monotonic() + timeout
        session = self.session()
        while time.monotonic() < deadline:
            task = self.call("GET", f"/nodes/{node}/tasks/{upid}/status", session).json()["data"]
            if task["status"] == "stopped":
                return task["exitstatus"]
            time.sleep(0.05)
        raise TimeoutError(f"{upid} did not end in {timeout} s")

    # -- the lab's own interface ---------------------------------------------------------------------------------

    def lab(self, method: str, path: str, data: Any = None) -> Any:
        """JSON of /lab; ValueError with its text when it refuses."""
        import requests

        answer = requests.request(method, f"{self.url}{path}", json=data, verify=self.connection["ca_path"], timeout=30)
        if answer.status_code != 200:
            raise ValueError(answer.text)
        return answer.json()

    def requests(self, *, reset: bool = False) -> dict[str, Any]:
        """{"total": n, "by": {"GET /version": n}} since the start or the last reset."""
        return self.lab("DELETE" if reset else "GET", "/lab/requests")

    def fault(self, action: str, /, **rule: Any) -> dict[str, Any]:
        """Add a fault (lab.pve.faults)."""
        return self.lab("POST", "/lab/faults", {"action": action, **rule})

    def clear_faults(self, action: str | None = None) -> None:
        """Remove all faults, or those of one action."""
        self.lab("DELETE", f"/lab/faults/{action}" if action else "/lab/faults")

    def fired(self, action: str) -> int:
        """How often the faults of an action have struck."""
        return sum(rule["fired"] for rule in self.lab("GET", "/lab/faults") if rule["action"] == action)

    def broken_answers(self) -> list[str]:
        """Answers that broke the official description, from all its runs; they are looked for with `strict`."""
        mark = "answer breaks the schema: "
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line.removeprefix(mark) for line in lines if line.startswith(mark)]
