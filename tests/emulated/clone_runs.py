"""Runs the module proxmox_vm_clone as Ansible does, a process of its own, against an emulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.pve.process import ROOT, Emulator
from tests.emulated.waiting import until_requested

MODULE = ROOT / "plugins" / "modules" / "proxmox_vm_clone.py"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1xAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com"


def row(vm_id: int, **changes: Any) -> dict[str, Any]:
    """A row of the table. Its address is one of this machine's loopback network, so that nothing leaves it."""
    return {
        "name": f"guest-{vm_id}",
        "vm_id": vm_id,
        "pve_node": "pve",
        "cores": 2,
        "memory_mb": 2048,
        "disks": [{"name": "system", "size_gb": 20}],
        "networks": [
            {
                "bridge": "vmbr0",
                "addresses": [f"127.9.{vm_id // 250}.{vm_id % 250}/16"],
                "gateway": "127.9.255.254",
                "mtu": 1500,
            }
        ],
        **changes,
    }


def write_snippet(pve: Emulator, name: str) -> None:
    """A snippet on the node's own disk, as SSH puts it there: the API cannot."""
    path = pve.folder / "hosts/pve/var/lib/vz/snippets" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#cloud-config\npackages: [qemu-guest-agent]\n", encoding="utf-8")


@dataclass
class Outcome:
    """What the module answered, and the requests that it took."""

    result: dict[str, Any]
    requests: dict[str, Any]

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def warnings(self) -> str:
        """All warnings as one text; Ansible wraps them differently in each version."""
        return json.dumps(self.result.get("warnings", []))

    def guest(self, vm_id: int) -> dict[str, Any]:
        return next(guest for guest in self.result["guests"] if guest["vm_id"] == vm_id)

    def effects(self, vm_id: int) -> dict[str, str]:
        """``{option: effect}`` of all changes of a guest but our own marker."""
        return {
            change["key"]: change["effect"]
            for operation in self.guest(vm_id)["operations"]
            for change in operation["changes"]
            if change["key"] not in ("tags", "description")
        }

    def steps(self, vm_id: int) -> list[str]:
        return [operation["step"] for operation in self.guest(vm_id)["operations"]]

    def writes(self) -> dict[str, int]:
        return {call: number for call, number in self.requests["by"].items() if not call.startswith("GET")}


@dataclass
class Site:
    """A site on an emulator, with the options that its runs share."""

    pve: Emulator
    folder: Path
    name: str
    token: tuple[str, str, str] | None = None

    def arguments(self, guests: list[dict[str, Any]], check: bool, options: dict[str, Any]) -> dict[str, Any]:
        connection = self.pve.connection
        user, token_id, secret = self.token or (connection["user"], connection["token_id"], connection["token_secret"])
        return {
            "api_host": connection["host"],
            "api_port": connection["port"],
            "api_user": user,
            "api_token_id": token_id,
            "api_token_secret": secret,
            "ca_path": connection["ca_path"],
            "site_name": self.name,
            "template": 9000,
            "wait": "none",
            "state_dir": str(self.folder / "state"),
            "guests": guests,
            "_ansible_check_mode": check,
            "_ansible_remote_tmp": str(self.folder),
            **options,
        }

    def start(self, guests: list[dict[str, Any]], check: bool = False, **options: Any) -> subprocess.Popen[str]:
        """Starts the module and comes back at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"arguments-{time.monotonic_ns()}.json"
        file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": self.arguments(guests, check, options)}), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, str(MODULE), str(file)],
            env={**os.environ, "PYTHONPATH": str(ROOT / ".collections")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, guests: list[dict[str, Any]], check: bool = False, **options: Any) -> Outcome:
        """Runs the module to its end."""
        self.pve.requests(reset=True)
        process = self.start(guests, check, **options)
        output, errors = process.communicate(timeout=300)
        assert output.strip().startswith("{"), f"the module said no JSON:\n{output}\n{errors}"
        return Outcome(json.loads(output), self.pve.requests())

    def make(self, guests: list[dict[str, Any]], **options: Any) -> None:
        """The guests are there, but not started: a short `timeout` of the next run is that of start and wait alone."""
        made = self.run(guests, state="present", **options)
        assert not made.failed, made.message

    def run_until(self, call: str, guests: list[dict[str, Any]], **options: Any) -> None:
        """Starts the module and kills it (SIGKILL) as soon as the emulator has seen a request."""
        self.pve.requests(reset=True)
        process = self.start(guests, **options)
        until_requested(self.pve, call, process)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)

    def config(self, vm_id: int, node: str = "pve") -> dict[str, Any]:
        """The guest's configuration, asked by another client."""
        return self.pve.call("GET", f"/nodes/{node}/qemu/{vm_id}/config").json()["data"]

    def ids(self) -> set[int]:
        """All guests that there are."""
        return {guest["vmid"] for guest in self.pve.api().cluster.resources.get(type="vm")}

    def volumes(self, vm_id: int) -> list[str]:
        """Volumes that carry the guest's number on local-lvm."""
        content = self.pve.api().nodes("pve").storage("local-lvm").content.get()
        return sorted(entry["volid"] for entry in content if f"-{vm_id}-" in entry["volid"])
