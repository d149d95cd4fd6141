"""An emulator as a process of its own, for tests and benchmarks.

    with Emulator.start(folder, time_scale=0.05) as pve:
        pve.api().nodes.get()

Its clients are those that users have (lab.pve.client).
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

from lab.pve.client import Client

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 60.0  # seconds; a first start on a fresh machine fetches the schema


class Emulator(Client):
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

    @property
    def log_path(self) -> Path:
        """What it printed."""
        return self.folder / "emulator.log"

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
