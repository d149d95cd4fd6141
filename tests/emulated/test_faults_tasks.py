"""Faults that stay, each of another guest of one run: locks, full storages, killed tasks, guests that do not start.

One run meets them all. Each guest fails with its own message, the others are made, and once the faults are gone a
second run finishes what is left and a third has nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.pve.process import Emulator
from tests.emulated.clone_runs import Outcome, Site, row
from tests.emulated.outside import Outside, assert_only_own_moved

DATA = [{"name": "system", "size_gb": 20}, {"name": "data", "size_gb": 10}]
FIRST = 5000
IDS = {
    name: FIRST + number
    for number, name in enumerate(
        ("healthy", "storage lock", "config lock", "storage full", "config killed", "resize killed", "start fails",
         "clone full", "clone lock", "clone killed")
    )
}  # fmt: skip
# A clone runs under the id of its template, so guests whose clone fails have a template of their own.
TEMPLATES = {"clone full": 5017, "clone lock": 5018, "clone killed": 5019}


def guests() -> list[dict[str, Any]]:
    return [row(vm_id, disks=DATA, template=TEMPLATES.get(name, 9000)) for name, vm_id in IDS.items()]


def add_faults(pve: Emulator) -> None:
    """Each fires again and again."""
    pve.fault("lock_timeout", vmid=IDS["storage lock"], task="qmconfig", lock="pve-storage-local-lvm")
    pve.fault("lock_timeout", vmid=IDS["config lock"], task="qmconfig", lock="qemu-server/lock-")
    pve.fault("storage_full", vmid=IDS["storage full"], task="qmconfig")
    pve.fault("task_death", vmid=IDS["config killed"], task="qmconfig")
    pve.fault("task_death", vmid=IDS["resize killed"], task="resize")
    pve.fault("task_error", vmid=IDS["start fails"], task="qmstart", text="start failed: out of memory")
    pve.fault("storage_full", vmid=TEMPLATES["clone full"], task="qmclone")
    pve.fault("lock_timeout", vmid=TEMPLATES["clone lock"], task="qmclone", lock="pve-storage-local-lvm")
    pve.fault("task_death", vmid=TEMPLATES["clone killed"], task="qmclone")


@pytest.fixture(scope="module")
def troubled(pve_with_template: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Outcome]]:
    """The site and its run under all faults. Afterwards the guests are whole, and nobody else's have moved."""
    pve = pve_with_template
    for vm_id in TEMPLATES.values():
        pve.lab("POST", "/lab/templates", {"vmid": vm_id, "name": f"template-{vm_id}", "storage": "local-lvm"})
    site = Site(pve, tmp_path_factory.mktemp("site"), "troubled")
    before = Outside.of(pve)
    add_faults(pve)
    done = site.run(guests(), timeout=25, parallel={"local": 10})
    assert_only_own_moved(before, Outside.of(pve), range(FIRST, FIRST + 10))
    yield site, done
    pve.clear_faults()


@pytest.mark.parametrize(
    ("name", "step", "texts"),
    [
        ("storage lock", "configure", ["can't lock file '/var/lock/pve-manager/pve-storage-local-lvm' - got timeout"]),
        ("config lock", "configure", ["lock-5002.conf' - got timeout"]),
        ("storage full", "configure", ["free space in thin pool pve/data reached threshold"]),
        ("config killed", "configure", ["unexpected status"]),
        ("resize killed", "grow scsi0 to 20 GiB", ["unexpected status"]),
        ("start fails", "start", ["start failed: out of memory"]),
        ("clone full", "clone template 5017", ["free space in thin pool pve/data reached threshold"]),
        ("clone lock", "clone template 5018", ["pve-storage-local-lvm' - got timeout"]),
        ("clone killed", "clone template 5019", ["unexpected status"]),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_the_message_names_guest_step_task_and_log(
    troubled: tuple[Site, Outcome], name: str, step: str, texts: list[str]
) -> None:
    site, done = troubled
    message = next(
        error for error in done.message.splitlines() if error.startswith(f"guest-{IDS[name]} ({IDS[name]}): {step}")
    )
    whole = done.guest(IDS[name])["error"]
    assert message in whole and "task UPID:pve:" in whole
    for text in texts:
        assert text in whole


def test_only_the_guests_with_a_fault_fail(troubled: tuple[Site, Outcome]) -> None:
    site, done = troubled
    assert done.failed and done.result["summary"]["failed"] == len(IDS) - 1
    assert done.guest(IDS["healthy"])["status"] == "running" and done.guest(IDS["healthy"])["error"] is None


def test_what_a_failed_clone_made_is_gone(troubled: tuple[Site, Outcome]) -> None:
    site, done = troubled
    assert not site.ids() & {IDS["clone full"], IDS["clone lock"], IDS["clone killed"]}
    assert site.volumes(IDS["clone full"]) == site.volumes(IDS["clone lock"]) == []


def test_without_the_faults_the_next_run_finishes_and_the_one_after_changes_nothing(
    troubled: tuple[Site, Outcome],
) -> None:
    site, done = troubled
    site.pve.clear_faults()
    mended = site.run(guests())
    assert not mended.failed, mended.message
    for vm_id in IDS.values():
        config = site.config(vm_id)
        assert "size=20G" in config["scsi0"] and "size=10G" in config["scsi1"] and len(site.volumes(vm_id)) == 4
    third = site.run(guests())
    assert not third.changed and third.writes() == {}
