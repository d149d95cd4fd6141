"""A site as a user has one: a folder copied from the starter, filled in, and `ansible-playbook` run on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.pve.process import ROOT, Emulator

PLAY = [
    {
        "name": "Machines",
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {"name": "Data", "detectviz.infra.site_check": {}},
            {"name": "Guests", "ansible.builtin.include_role": {"name": "detectviz.infra.machines"}},
        ],
    }
]


@dataclass
class UserSite:
    """The folder and how its runs reach the emulator. Addresses are of a network for documentation."""

    pve: Emulator
    folder: Path

    @classmethod
    def create(cls, pve: Emulator, folder: Path, first_id: int, **data: Any) -> UserSite:
        """Two machines, ``node-<first_id>`` and the next; ``data`` goes over the site data."""
        place = folder / "site"
        shutil.copytree(ROOT / "inventory" / "starter", place)
        site_file = place / "group_vars" / "all" / "site.yml"
        site = yaml.safe_load(site_file.read_text(encoding="utf-8"))
        site.update(
            site_name=f"user{first_id}",
            proxmox_hosts=[{"name": "pve", "address": "203.0.113.2"}],
            networks={"vmbr0": {"cidr": "203.0.113.0/24", "gateway": "203.0.113.1", "mtu": 1500}},
            vip={"address": "203.0.113.9", "name": "k8s-api", "network": "vmbr0"},
            load_balancer_pool=["203.0.113.240-203.0.113.249"],
            dns={"servers": ["203.0.113.1"]},
        )
        site["guest_defaults"].update(template="ubuntu-2204-template", ssh_keys=[])
        site.update(data)
        site_file.write_text(yaml.safe_dump(site, allow_unicode=True), encoding="utf-8")
        user = cls(pve, place)
        user.table([user.machine(first_id, 11), user.machine(first_id + 1, 12, node_role="worker")])
        (place / "play.yml").write_text(yaml.safe_dump(PLAY), encoding="utf-8")
        return user

    @staticmethod
    def machine(vm_id: int, last: int, **changes: Any) -> dict[str, Any]:
        """A row of the table."""
        return {"name": f"node-{vm_id}", "vm_id": vm_id, "node_role": "control_plane", "cores": 2, "memory": "2 GB",
                "disks": "20 GB", "ip": f"203.0.113.{last}", **changes}  # fmt: skip

    def table(self, rows: list[dict[str, Any]] | str) -> None:
        """Writes the table, from rows or as text."""
        text = rows if isinstance(rows, str) else yaml.safe_dump({"machines": rows}, allow_unicode=True)
        (self.folder / "tables" / "machines.yml").write_text(text, encoding="utf-8", newline="")

    @property
    def lock(self) -> Path:
        return next(self.folder.parent.glob(".state/*/run.lock"))

    def environment(self) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        settings = self.folder.parent / "ansible.cfg"
        settings.write_text("[defaults]\n[inventory]\nany_unparsed_is_failed = True\n", encoding="utf-8")
        return {**kept, **self.pve.environment, "ANSIBLE_CONFIG": str(settings),
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_LOCALHOST_WARNING": "false",
                "ANSIBLE_HOME": str(self.folder.parent / "home"), "ANSIBLE_DEPRECATION_WARNINGS": "false",
                "ANSIBLE_LOG_PATH": str(self.folder.parent / "ansible.log")}  # fmt: skip

    def start(self, *arguments: str, playbook: str = "", **environment: str) -> subprocess.Popen[str]:
        """`ansible-playbook` on the site, waiting for the guests' agents, since nothing takes SSH here."""
        program = str(Path(sys.executable).parent / "ansible-playbook")
        command = [program, "-i", "site.node_table.yml", playbook or "play.yml", "-e",
                   json.dumps({"machines_wait": "agent", "proxmox_api_host": "127.0.0.1"}), *arguments]  # fmt: skip
        return subprocess.Popen(command, cwd=self.folder, env={**self.environment(), **environment}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip

    def play(self, *arguments: str, playbook: str = "", **environment: str) -> tuple[int, str]:
        """(exit code, all that it printed)."""
        process = self.start(*arguments, playbook=playbook, **environment)
        output, _nothing = process.communicate(timeout=500)
        return process.returncode, output
