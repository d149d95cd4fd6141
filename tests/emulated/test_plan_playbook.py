"""The playbook that tells what P1 would do: "none" is said only when everything was looked at."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.pve.process import Emulator
from tests.emulated.user_site import UserSite

PLAN = "detectviz.infra.plan"
# Nothing listens on port 1: SSH to the Proxmox host is refused at once.
NO_SSH = {"ansible_host": "127.0.0.1", "ansible_port": 1}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1xAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA root@pve"


def prepared(parts: dict[str, bool]) -> dict[str, Any]:
    """Site data of a host whose parts are asked for."""
    return {"host_preparation": parts, "proxmox_hosts": [{"name": "pve", "address": "203.0.113.2", "ssh_host_keys": [KEY]}]}


@pytest.fixture
def user(pve_with_template: Emulator, tmp_path: Path, first_id: int) -> Iterator[UserSite]:
    yield UserSite.create(pve_with_template, tmp_path, first_id)


def planned(user: UserSite, **variables: Any) -> tuple[int, str]:
    return user.play("-e", json.dumps(variables), playbook=PLAN)


def test_changes_then_the_saved_plan_then_none(user: UserSite, first_id: int) -> None:
    code, said = planned(user, plan_fail_on_changes=True)
    assert code != 0 and f"node-{first_id}: clone template" in said
    (saved,) = user.folder.parent.glob(".state/*/plans/machines.json")
    assert [oct(path.stat().st_mode)[-3:] for path in (saved, saved.parent, saved.parent.parent)] == ["600", "700", "700"]
    code, said = user.play("-e", f"machines_plan_file={saved}")
    assert code == 0, said
    code, said = planned(user, plan_fail_on_changes=True)
    assert code == 0 and '"plan": "none"' in said and '"not_in_this_plan": []' in said, said


def test_a_reboot_that_waits_is_told_until_it_is_asked_for(user: UserSite, first_id: int) -> None:
    assert user.play()[0] == 0
    larger = user.machine(first_id, 11, memory="3 GB")
    user.table([larger, user.machine(first_id + 1, 12, node_role="worker")])
    code, said = user.play()
    assert code == 0 and "machines_reboot=when_needed" in "".join(said.split()), said
    code, said = planned(user)
    assert code == 0 and '"plan": "none"' in said, said
    assert f'"waits_for_reboot":{{"node-{first_id}":["memory"]}}' in "".join(said.split()), said
    code, said = planned(user, machines_reboot="when_needed")
    assert code == 0 and f"node-{first_id}: reboot for memory" in said and '"waits_for_reboot": {}' in said, said


def test_a_part_over_ssh_of_a_host_that_is_not_reached_is_not_none(
    pve_with_template: Emulator, tmp_path: Path, first_id: int
) -> None:
    user = UserSite.create(pve_with_template, tmp_path, first_id, **prepared({"sysctls": True}))
    assert user.play()[0] == 0
    code, said = planned(user, **NO_SSH)
    assert code == 0 and '"plan": "incomplete"' in said and '"pve: sysctls"' in said, said
    code, said = planned(user, plan_fail_on_changes=True, **NO_SSH)
    assert code != 0 and "Not in this plan: pve: sysctls" in said, said


def test_a_part_over_ssh_is_planned_where_the_host_is_reached(
    pve_with_template: Emulator, tmp_path: Path, first_id: int
) -> None:
    """This machine stands for the host; a plan changes nothing on it."""
    user = UserSite.create(pve_with_template, tmp_path, first_id, **prepared({"sysctls": True}))
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    code, said = planned(user, host_sysctls_values={"net.ipv4.ip_default_ttl": "63"}, **here)
    assert code == 0 and '"plan": "changes"' in said and '"pve: set net.ipv4.ip_default_ttl"' in said, said
    assert not Path("/etc/sysctl.d/90-detectviz.conf").exists()
    assert Path("/proc/sys/net/ipv4/ip_default_ttl").read_text(encoding="ascii").strip() != "63"


def test_the_snippet_and_what_its_storage_takes_are_planned(
    pve_with_template: Emulator, tmp_path: Path, first_id: int
) -> None:
    """The API is asked from here, the file would be written over there."""
    user = UserSite.create(pve_with_template, tmp_path, first_id, **prepared({"snippets": True}))
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    storage = tmp_path / "storage"
    pve_with_template.call(
        "POST", "/storage", None, storage=f"files{first_id}", type="dir", path=str(storage), content="iso"
    )
    volume = f"files{first_id}:snippets/agent.yml"
    code, said = planned(user, host_snippets_volume=volume, machines_vendor_snippet=volume, **here)
    assert code == 0 and f'"pve: snippet {volume}"' in said, said
    assert f'"pve: storage files{first_id} takes iso,snippets"' in said, said
    assert not storage.exists()


def test_bridges_of_a_host_without_ssh_are_refused_until_the_site_agrees(
    pve_with_template: Emulator, tmp_path: Path, first_id: int
) -> None:
    """Such a host could not take its network back by itself."""
    bridges = {"proxmox_hosts": [{"name": "pve", "address": "203.0.113.2", "bridges": [{"name": "vmbr7"}]}]}
    user = UserSite.create(pve_with_template, tmp_path, first_id, host_preparation={"bridges": True}, **bridges)
    code, said = planned(user)
    assert code != 0 and "No SSH host key is known for: pve" in said and "host_bridges_rollback: false" in said, said
    code, said = planned(user, host_bridges_rollback=False)
    assert code == 0 and '"pve: bridge vmbr7"' in said, said
