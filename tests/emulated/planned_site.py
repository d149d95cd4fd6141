"""A site's folder, `detectviz.infra.plan` run on it as a user does, and its topology page and DNS zones rendered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml

from lab.pve.process import ROOT, Emulator
from tests.emulated.outside import Outside

DNSMASQ = shutil.which("dnsmasq")

# After the plan, in the same run: its result, the page by its role, and the zones by the template of theirs. That role
# itself would install and start a service on a host.
RENDER: list[dict[str, Any]] = [
    {
        "name": "Result and page",
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Result",
                "ansible.builtin.copy": {
                    "dest": "{{ rendered }}/result.json",
                    "mode": "0600",
                    "content": "{{ {'guests': machines_result.guests, 'summary': machines_result.summary, "
                    "'warnings': machines_result.warnings | default([]), 'derived': site_derived, 'site': __site, "
                    "'bridges': groups['proxmox'] | map('extract', hostvars, 'host_bridges_result') "
                    "| select('defined') | map(attribute='bridges') | flatten} | to_json }}",
                },
                "vars": {"__site": "{{ {'vip': vip | default({}), 'hosts': proxmox_hosts, 'networks': networks} }}"},
            },
            {
                "name": "Page",
                "ansible.builtin.include_role": {"name": "detectviz.infra.topology_page"},
                "vars": {
                    "topology_page_file": "{{ rendered }}/topology.html",
                    "topology_page_guests": "{{ groups['machines'] | detectviz.infra.guest_rows(hostvars) "
                    "| map('combine', {'state': 'planned'}) }}",
                },
            },
        ],
    },
    {
        "name": "Zones",
        "hosts": "proxmox",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(ROOT / "roles/host_dns/defaults/main.yml")],
        "tasks": [
            {
                "name": "Zones",
                "ansible.builtin.template": {
                    "src": str(ROOT / "roles/host_dns/templates/zones.conf.j2"),
                    "dest": "{{ rendered }}/zones-{{ inventory_hostname }}.conf",
                    "mode": "0644",
                    **({"validate": f"{DNSMASQ} --test --conf-file=%s"} if DNSMASQ else {}),
                },
                "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
                "when": "(dns | default({})).zones is defined",
            }
        ],
    },
]


class Page(HTMLParser):
    """The text of a page whose tags are closed in the order in which they were opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"tags that are never closed: {self._open}"

    def handle_starttag(self, tag: str, _attributes: Any) -> None:
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, _attributes: Any) -> None:
        """A tag such as <line/> opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.words)


@dataclass(frozen=True)
class Planned:
    """What a plan run said, and what it left."""

    code: int
    output: str
    folder: Path
    writes: list[str]
    moved: bool

    @property
    def result(self) -> dict[str, Any]:
        """guests, summary and warnings of the module, with derived and site of the inventory."""
        return json.loads((self.folder / "rendered/result.json").read_text(encoding="utf-8"))

    @property
    def saved(self) -> dict[str, Any]:
        """The plan that a later run would carry out."""
        return json.loads(next(self.folder.glob(".state/*/plans/machines.json")).read_text(encoding="utf-8"))

    def options(self, name: str) -> dict[str, str]:
        """``{option: planned value}`` of a guest."""
        guest = next(guest for guest in self.result["guests"] if guest["name"] == name)
        return {change["key"]: change["after"] for step in guest["operations"] for change in step["changes"]}

    def card(self, name: str, number: int = 0) -> dict[str, str]:
        """The planned network card without its model: ``{"bridge": "vmbr0", "mtu": "1500"}``."""
        return dict(part.split("=", 1) for part in self.options(name)[f"net{number}"].split(",") if "=" in part)

    @property
    def page(self) -> str:
        return Page((self.folder / "rendered/topology.html").read_text(encoding="utf-8")).text

    @property
    def zones(self) -> dict[str, list[str]]:
        """Lines of the zone file for each Proxmox host."""
        found = (self.folder / "rendered").glob("zones-*.conf")
        return {path.stem.removeprefix("zones-"): path.read_text(encoding="utf-8").splitlines() for path in found}


def plan(pve: Emulator, site: Path, playbook: str = "detectviz.infra.plan") -> Planned:
    """Plans the site of a folder against the emulator. Everything it leaves is beside that folder."""
    folder = site.parent
    (folder / "rendered").mkdir(exist_ok=True)
    (folder / "render.yml").write_text(yaml.safe_dump(RENDER), encoding="utf-8")
    (folder / "ansible.cfg").write_text("[defaults]\n[inventory]\nany_unparsed_is_failed = True\n", encoding="utf-8")
    environment = {
        **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
        **pve.environment,
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "site.node_table.yml", playbook]
    command += [str(folder / "render.yml"), "-e", json.dumps({"rendered": str(folder / "rendered")})]
    before = Outside.of(pve)
    pve.requests(reset=True)
    done = subprocess.run(
        command, cwd=site, env=environment, text=True, timeout=500, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    writes = [call for call in pve.requests()["by"] if not call.startswith("GET")]
    return Planned(done.returncode, done.stdout, folder, writes, Outside.of(pve) != before)
