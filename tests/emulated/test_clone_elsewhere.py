"""Guests that others have moved, or that a manager starts and stops: on a cluster of two nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.pve.process import Emulator
from tests.emulated.clone_runs import Site, row
from tests.emulated.waiting import until

CURRENT = "GET /nodes/{node}/qemu/{vmid}/status/current"


@pytest.fixture(scope="module")
def pve_with_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Two nodes with local storage; the template is on the first."""
    with Emulator.start(tmp_path_factory.mktemp("pve"), nodes=2, with_template=True, strict=True) as emulator:
        yield emulator


def power(site: Site, vm_id: int) -> str:
    return site.pve.call("GET", f"/nodes/pve1/qemu/{vm_id}/status/current").json()["data"]["status"]


def under_ha(site: Site, vm_id: int) -> None:
    site.make([row(vm_id, pve_node="pve1")])
    site.pve.lab("PUT", "/lab/guests", {"vmid": vm_id, "ha": True})


def run_while_the_manager_waits(site: Site, vm_id: int, task: str, state: str) -> None:
    """The manager acts only after the run has asked twice how the guest is: the run has to wait for it."""
    site.pve.fault("task_hold", task=task, vmid=vm_id)
    site.pve.requests(reset=True)
    process = site.start([row(vm_id, pve_node="pve1")], state=state)
    until(lambda: site.pve.requests()["by"].get(CURRENT, 0) >= 2, "two questions for the power", process)
    site.pve.clear_faults()
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, output + errors


def test_a_guest_that_was_migrated_is_converged_where_it_is(site: Site, first_id: int) -> None:
    site.make([row(first_id, pve_node="pve1")], full=True)  # a linked clone cannot leave its template's node
    assert site.pve.wait(site.pve.api().nodes("pve1").qemu(first_id).migrate.post(target="pve2")) == "OK"
    wanted = [row(first_id, pve_node="pve1", cores=3)]
    done = site.run(wanted)
    assert not done.failed, done.message
    assert (done.guest(first_id)["node"], done.guest(first_id)["status"]) == ("pve2", "running")
    assert f"qm migrate {first_id} pve1 --online" in done.warnings
    assert site.config(first_id, "pve2")["cores"] == 3
    again = site.run(wanted)
    assert not again.changed and "accepted where it is" in again.warnings


def test_a_template_on_a_node_that_is_offline_is_told_before_the_first_write(tmp_path: Path) -> None:
    with Emulator.start(tmp_path / "pve", nodes=2, with_template=True, strict=True) as pve:
        pve.lab("POST", "/lab/templates", {"vmid": 9001, "node": "pve2"})
        pve.stop()
        node = pve.folder / "state/nodes/pve2.json"
        node.write_text(json.dumps({**json.loads(node.read_text(encoding="utf-8")), "online": False}), encoding="utf-8")
        pve.run()
        refused = Site(pve, tmp_path / "site", "elsewhere").run([row(100, pve_node="pve1")], template=9001)
    assert refused.failed and refused.writes() == {}
    assert "template 9001 is on pve2, which is offline; start it, or name one on pve1 (needed by guest-100)" in refused.message


def test_a_guest_under_ha_is_waited_for_when_it_starts_and_when_it_stops(site: Site, first_id: int) -> None:
    under_ha(site, first_id)
    run_while_the_manager_waits(site, first_id, "qmstart", "started")
    assert power(site, first_id) == "running"
    run_while_the_manager_waits(site, first_id, "qmshutdown", "stopped")
    assert power(site, first_id) == "stopped"
    assert not site.run([row(first_id, pve_node="pve1")], state="stopped").changed


def test_a_guest_under_ha_is_destroyed_with_its_entry(site: Site, first_id: int) -> None:
    under_ha(site, first_id)
    done = site.run([row(first_id, pve_node="pve1")], state="absent")
    assert not done.failed, done.message
    assert first_id not in site.ids()
