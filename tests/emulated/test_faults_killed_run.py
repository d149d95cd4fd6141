"""`kill -9` of ansible-playbook itself, as a user would do it, at each step, and what the next runs find.

Ansible's worker and our module outlive ansible-playbook: they go on until they are done, or are killed as well.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab.pve.process import Emulator
from tests.emulated.outside import Outside, assert_only_own_moved
from tests.emulated.user_site import PLAY, UserSite
from tests.emulated.waiting import until, until_held, until_idle, until_requested

AGENT = "GET /nodes/{node}/qemu/{vmid}/agent/file-read"


@dataclass
class Cut:
    """A site whose run was killed, and the module of that run, which is still at work."""

    user: UserSite
    first_id: int
    before: Outside
    module: int = 0
    worker: int = 0

    def kill_playbook(self, step: str) -> None:
        """At a held task of this kind, or while the guests are waited for."""
        pve = self.user.pve
        pve.requests(reset=True)
        pve.fault("agent_never_up") if step == "wait" else pve.fault("task_hold", task=step)
        process = self.user.start()
        if step == "wait":
            until_requested(pve, AGENT, process)
        else:
            until_held(pve, process)
        found = re.search(r"process (\d+) on", self.user.lock.read_text(encoding="utf-8"))
        assert found
        self.module = int(found.group(1))
        self.worker = int(re.search(r"^PPid:\s+(\d+)", Path(f"/proc/{self.module}/status").read_text(), re.M)[1])
        assert "proxmox_vm_clone" in Path(f"/proc/{self.module}/cmdline").read_text(encoding="utf-8")
        process.kill()
        process.wait()  # the worker may keep its output open

    def kill_module(self) -> None:
        os.kill(self.module, signal.SIGKILL)
        self.until_ended()

    def until_ended(self) -> None:
        """Nothing of the killed run is left on this machine."""
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in (self.module, self.worker)), "the module's end")

    def assert_whole(self) -> None:
        """Both guests are there once and run, no volume is left over, nobody else's guest has moved."""
        pve, own = self.user.pve, range(self.first_id, self.first_id + 2)
        after = Outside.of(pve)
        assert_only_own_moved(self.before, after, range(self.first_id, self.first_id + 10))
        assert set(own) <= set(after.guests)
        for vm_id in own:
            assert len([volume for volume, owner in after.volumes.items() if owner == vm_id]) == 3, after.volumes
            assert pve.call("GET", f"/nodes/pve/qemu/{vm_id}/status/current").json()["data"]["status"] == "running"

    def assert_silent(self) -> None:
        self.user.pve.requests(reset=True)
        code, output = self.user.play()
        assert code == 0 and "changed=0" in output, output
        assert [call for call in self.user.pve.requests()["by"] if not call.startswith("GET")] == []


@pytest.fixture
def cut(pve_with_template: Emulator, tmp_path: Path, first_id: int) -> Iterator[Cut]:
    user = UserSite.create(pve_with_template, tmp_path, first_id)
    yield Cut(user, first_id, Outside.of(pve_with_template))
    pve_with_template.clear_faults()
    until_idle(pve_with_template)


@pytest.mark.parametrize("step", ["qmclone", "qmconfig", "resize", "qmstart", "wait"])
def test_the_run_after_a_kill_finishes_and_the_one_after_that_is_silent(cut: Cut, step: str) -> None:
    cut.kill_playbook(step)
    cut.kill_module()
    cut.user.pve.clear_faults()
    code, output = cut.user.play()
    assert code == 0, output
    cut.assert_whole()
    cut.assert_silent()


def test_a_run_beside_the_module_that_is_left_names_it_and_changes_nothing(cut: Cut) -> None:
    cut.kill_playbook("qmclone")
    code, output = cut.user.play()
    assert code != 0 and f"is being worked on by process {cut.module} on" in output, output
    cut.kill_module()


def test_a_module_that_is_left_alone_finishes_the_work(cut: Cut) -> None:
    cut.kill_playbook("qmconfig")
    cut.user.pve.clear_faults()
    cut.until_ended()
    cut.assert_whole()
    cut.assert_silent()


def test_the_run_after_waits_for_the_keys_of_machines_that_still_boot(cut: Cut) -> None:
    cut.kill_playbook("wait")
    cut.kill_module()
    trust = {"name": "Keys", "ansible.builtin.include_role": {"name": "detectviz.infra.machine_trust"}}
    play = [{**PLAY[0], "tasks": [*PLAY[0]["tasks"], trust]}]
    (cut.user.folder / "keys.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    pve = cut.user.pve
    pve.requests(reset=True)
    process = cut.user.start(playbook="keys.yml")
    until_requested(pve, AGENT, process)
    # It has asked an agent that did not answer, and asks again.
    pve.requests(reset=True)
    until_requested(pve, AGENT, process)
    pve.clear_faults()
    output, _nothing = process.communicate(timeout=300)
    (pinned,) = cut.user.folder.parent.glob(".state/*/known_hosts")
    text = pinned.read_text(encoding="utf-8")
    assert process.returncode == 0 and all(f"node-{cut.first_id + number} " in text for number in (0, 1)), output
