"""Ids, names and places that belong to somebody else, also when they come while a run is under way."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.emulated.clone_runs import Outcome, Site, row
from tests.emulated.waiting import until_held


def finished(site: Site, process: subprocess.Popen[str]) -> Outcome:
    output, errors = process.communicate(timeout=300)
    assert output.strip().startswith("{"), errors
    return Outcome(json.loads(output), site.pve.requests())


def assert_settled(site: Site, guests: list[dict[str, Any]]) -> None:
    """The next run converges, the one after has nothing to do."""
    mended = site.run(guests)
    assert not mended.failed, mended.message
    again = site.run(guests)
    assert not again.changed and again.writes() == {}


def test_a_stranger_who_takes_the_id_while_the_run_is_under_way_is_left_alone(site: Site, first_id: int) -> None:
    site.pve.requests(reset=True)
    site.pve.fault("task_hold", task="qmclone")
    running = site.start([row(first_id), row(first_id + 1)])
    until_held(site.pve, running, tasks=2)
    site.pve.lab("POST", "/lab/guests", {"vmid": first_id, "config": {"name": "stranger", "memory": "512"}})
    before = site.config(first_id)
    site.pve.clear_faults()
    done = finished(site, running)
    assert done.failed and site.config(first_id) == before
    whole = done.guest(first_id)["error"]
    for text in (
        f"guest-{first_id} ({first_id}): clone template 9000",
        "is the guest 'stranger', which is not of site",
        "Choose another vm_id, or take it over by adopt",
        "task UPID:pve:",
        "config file already exists",
    ):
        assert text in whole, whole
    assert done.guest(first_id + 1)["status"] == "running"
    assert_settled(site, [row(first_id + 1)])


def test_a_template_that_is_missing_is_told_with_those_there_are(site: Site, first_id: int) -> None:
    refused = site.run([row(first_id, template="debian-13")])
    assert refused.failed and refused.writes() == {}
    assert (
        "template debian-13 is not there" in refused.message and "ubuntu-2204-template (9000 on pve)" in refused.message
    )
    assert_settled(site, [row(first_id)])


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "is an ordinary guest, not a template; convert it"),
        ({"template": "1", "lock": "create"}, "is locked (create); wait until that ends"),
        ({"template": "1", "scsihw": "virtio-scsi-pci"}, "has no disk to boot from; make it again"),
    ],
    ids=["not converted", "locked", "without a disk"],
)
def test_a_half_made_template_is_not_cloned(site: Site, first_id: int, config: dict[str, str], text: str) -> None:
    half = first_id + 9
    site.pve.lab("POST", "/lab/guests", {"vmid": half, "config": {"name": f"half-{half}", **config}})
    refused = site.run([row(first_id, template=half)])
    assert refused.failed and f"{half}" in refused.message and text in refused.message
    assert refused.writes() == {}


def test_a_guest_without_its_system_disk_is_not_taken_for_finished(site: Site, first_id: int) -> None:
    """What `qm unlock` leaves of a clone that was killed half way."""
    site.run([row(first_id)])
    config = site.config(first_id)
    site.pve.lab(
        "POST",
        "/lab/guests",
        {
            "vmid": first_id + 1,
            "config": {
                "name": f"guest-{first_id + 1}",
                "tags": config["tags"],
                "description": config["description"].replace(f"guest={first_id}", f"guest={first_id + 1}"),
            },
        },
    )
    refused = site.run([row(first_id), row(first_id + 1)])
    assert refused.failed and "has no disk to boot from" in refused.message and refused.writes() == {}
    assert f"guest-{first_id + 1} ({first_id + 1})" in refused.message
    gone = site.run([row(first_id + 1)], state="absent")
    assert not gone.failed, gone.message
    assert_settled(site, [row(first_id), row(first_id + 1)])


def test_two_runs_from_two_machines_make_no_twin(site: Site, first_id: int) -> None:
    """Their locks do not meet, so Proxmox is what they meet at."""
    guests = [row(first_id + number) for number in range(3)]
    first = site.start(guests, state_dir=str(site.folder / "one"))
    second = site.start(guests, state_dir=str(site.folder / "two"))
    outcomes = [finished(site, process) for process in (first, second)]
    for vm_id in (first_id, first_id + 1, first_id + 2):
        assert len(site.volumes(vm_id)) == 3 and not [key for key in site.config(vm_id) if key.startswith("unused")]
    assert [outcome.message for outcome in outcomes if outcome.failed and not outcome.message] == []
    assert_settled(site, guests)


def test_a_run_that_meets_the_work_of_another_says_whose_it_is(site: Site, first_id: int) -> None:
    site.run([row(first_id)])
    site.pve.fault("task_hold", task="qmconfig")
    first = site.start([row(first_id, cores=3)], state_dir=str(site.folder / "one"))
    until_held(site.pve, first)
    second = site.run([row(first_id, cores=4)], state_dir=str(site.folder / "two"), timeout=1)
    assert second.failed
    for text in (f"guest-{first_id} ({first_id})", "root@pam", "task UPID:pve:", "nothing was changed"):
        assert text in second.message, second.message
    site.pve.clear_faults()
    assert not finished(site, first).failed
    assert int(site.config(first_id)["cores"]) == 3
    assert_settled(site, [row(first_id)])


def test_two_sites_on_one_proxmox_do_not_touch_each_other(site: Site, first_id: int) -> None:
    """Also where one site's name begins with the other's, and their runs are at the same time."""
    other = Site(site.pve, site.folder / "other", f"{site.name}-b")
    ours, theirs = [row(first_id), row(first_id + 1)], [row(first_id + 5), row(first_id + 6)]
    runs = [site.start(ours), other.start(theirs)]
    for process, place in zip(runs, (site, other)):
        assert not finished(place, process).failed
    before = {vm_id: site.config(vm_id) for vm_id in (first_id + 5, first_id + 6)}
    crossed = site.run([*ours, row(first_id + 5)])
    assert crossed.failed and f"carries the tag dvz-site-{site.name}-b, so another site owns it" in crossed.message
    assert crossed.writes() == {}
    refused = site.run([row(first_id + 6)], state="absent")
    assert refused.failed and "is not destroyed; take it out of the list" in refused.message and refused.writes() == {}
    assert [orphan["vm_id"] for orphan in site.run([row(first_id)]).result["orphans"]] == [first_id + 1]
    adopted = site.run([row(first_id + 5)], adopt=[first_id + 5])
    assert adopted.failed and "cannot be adopted" in adopted.message and adopted.writes() == {}
    assert not site.run(ours, state="absent", max_destroy=2).failed
    assert {vm_id: site.config(vm_id) for vm_id in before} == before
    assert not other.run(theirs).changed
