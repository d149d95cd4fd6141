"""The server of a site's zones has the file in use that is there, also after a run that was killed before it started it again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.unit.plays import ROOT, play, program, tasks_of

# A systemd with one service that runs; when it was started is in a file.
SYSTEMCTL = """
case "$*" in
*ActiveEnterTimestamp*) date --date=@"$(cat {folder}/started)" "+%a %Y-%m-%d %H:%M:%S %Z" ;;
*is-enabled*) echo enabled ;;
*is-active*) echo active ;;
show*) printf 'Id=dnsmasq.service\\nLoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\n' ;;
*restart*) echo again >> {folder}/restarts; date +%s > {folder}/started ;;
esac
"""


class Host:
    """A Proxmox host of which the role sees its own file, and such a systemd."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started = folder / "started"
        program(folder, "pve", "systemctl", SYSTEMCTL.format(folder=folder))
        program(folder, "pve", "dnsmasq", "exit 0")
        self.tasks = [{"ansible.builtin.set_fact": {"ansible_service_mgr": "systemd", "cacheable": True}}]
        self.tasks += tasks_of("roles/host_dns/tasks/main.yml")
        for task in self.tasks:
            if "ansible.builtin.stat" in task:
                task["ansible.builtin.stat"]["path"] = str(folder / "programs/pve/dnsmasq")
            if "ansible.builtin.template" in task:
                task["ansible.builtin.template"]["src"] = str(ROOT / "roles/host_dns/templates/zones.conf.j2")
        self.tasks.append({"ansible.builtin.debug": {"msg": "changes: {{ host_dns_result.changes | join(', ') }}."}})

    def run(self, *arguments: str, address: str = "192.0.2.11") -> str:
        variables: dict[str, Any] = {
            **tasks_of("roles/host_dns/defaults/main.yml"), "host_dns_install": False, "host_dns_listen": ["192.0.2.2"],
            "host_dns_zones": ["example.net"], "host_dns_config": str(self.folder / "dnsmasq.d/site.conf"), "site_name": "site",
            "host_dns_records": [{"name": "a.example.net", "type": "A", "value": address}]}  # fmt: skip
        code, said = play(self.folder, self.tasks, {"pve": variables}, *arguments)
        assert code == 0, said
        return said

    @property
    def restarts(self) -> int:
        path = self.folder / "restarts"
        return len(path.read_text(encoding="ascii").split()) if path.exists() else 0


def test_a_server_from_before_the_last_change_is_started_again_and_then_left_alone(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.started.write_text("1000", encoding="ascii")
    said = host.run()
    assert f"changes: DNS zones in {tmp_path}/dnsmasq.d/site.conf, restart dnsmasq." in said and host.restarts == 1, said
    assert "changed=0" in host.run() and host.restarts == 1

    # As a run that was killed after it had written the file leaves it.
    host.started.write_text(str(int(os.stat(tmp_path / "dnsmasq.d/site.conf").st_ctime) - 1), encoding="ascii")
    planned = host.run("--check")
    assert "changes: restart dnsmasq." in planned and host.restarts == 1, planned
    mended = host.run()
    assert "changes: restart dnsmasq." in mended and host.restarts == 2, mended
    assert "changed=0" in host.run() and host.restarts == 2


def test_a_check_run_tells_the_restart_that_other_zones_need(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.started.write_text("1000", encoding="ascii")
    host.run()
    planned = host.run("--check", address="192.0.2.12")
    assert "site.conf, restart dnsmasq." in planned and host.restarts == 1, planned
