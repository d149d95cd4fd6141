"""`kill -9` of ansible-playbook itself, as a user would do it, and what the next run finds."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

from lab.pve.process import Emulator
from tests.emulated.outside import Outside, assert_only_own_moved
from tests.emulated.user_site import UserSite


def test_a_killed_playbook_leaves_a_module_that_is_named_and_may_be_killed_too(
    pve_with_template: Emulator, tmp_path: Path, first_id: int
) -> None:
    """Ansible's worker outlives ansible-playbook, so its work goes on until it is done, or is killed as well."""
    pve, site = pve_with_template, UserSite.create(pve_with_template, tmp_path, first_id)
    before = Outside.of(pve)
    pve.requests(reset=True)
    pve.fault("task_delay", task="qmclone", seconds=300)
    killed = site.start()
    deadline = time.monotonic() + 60
    while "POST /nodes/{node}/qemu/{vmid}/clone" not in pve.requests()["by"]:
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    killed.kill()
    killed.wait()

    code, output = site.play()
    pve.clear_faults()
    found = re.search(r"is being worked on by process (\d+) on", output)
    assert code != 0 and found, output
    module = int(found.group(1))
    assert "proxmox_vm_clone" in Path(f"/proc/{module}/cmdline").read_text(encoding="utf-8")
    os.kill(module, signal.SIGKILL)

    code, output = site.play()
    assert code == 0, output
    assert_only_own_moved(before, Outside.of(pve), range(first_id, first_id + 10))
    assert {first_id, first_id + 1} <= set(Outside.of(pve).guests)
    pve.requests(reset=True)
    code, output = site.play()
    assert code == 0 and "changed=0" in output
    assert [call for call in pve.requests()["by"] if not call.startswith("GET")] == []
