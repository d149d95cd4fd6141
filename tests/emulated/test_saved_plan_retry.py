"""A saved plan that meets a fault: what is left of it is carried out, and nothing that nobody has read."""

from __future__ import annotations

from tests.emulated.clone_runs import Site, row
from tests.emulated.waiting import until_held

CONFIG = "POST /nodes/{node}/qemu/{vmid}/config"
DISKS = [{"name": "system", "size_gb": 20, "discard": True}, {"name": "data", "size_gb": 5}]


def test_after_a_retry_the_rest_of_the_saved_plan_is_carried_out(site: Site, first_id: int) -> None:
    plan = str(site.folder / "plan.json")
    wanted = [row(first_id, disks=DISKS)]
    assert not site.run(wanted, check=True, plan_file=plan).failed
    for step in ("qmclone", "qmconfig"):
        site.pve.fault("lock_timeout", vmid=9000 if step == "qmclone" else first_id, task=step, count=1)
    made = site.run(wanted, plan_file=plan)
    assert not made.failed, made.message
    assert made.requests["by"][CONFIG] == 2
    assert not site.run(wanted).changed


def test_what_somebody_else_changes_during_a_retry_is_not_put_back_by_a_saved_plan(site: Site, first_id: int) -> None:
    plan = str(site.folder / "plan.json")
    assert not site.run([row(first_id)]).failed
    wanted = [row(first_id, cores=4)]
    assert not site.run(wanted, check=True, plan_file=plan).failed
    site.pve.fault("task_hold", vmid=first_id, task="qmconfig", count=1)
    site.pve.fault("lock_timeout", vmid=first_id, task="qmconfig", count=1)
    process = site.start(wanted, plan_file=plan)
    until_held(site.pve, process)
    site.pve.call("PUT", f"/nodes/pve/qemu/{first_id}/config", None, memory=1024)
    site.pve.clear_faults("task_hold")
    output, _errors = process.communicate(timeout=300)
    assert '"failed": true' in output and "would go beyond that plan" in output, output
    assert "memory: 1024 -> 2048" in output
    config = site.config(first_id)
    assert (config["cores"], config["memory"]) == (2, "1024")
    again = site.run(wanted, plan_file=plan)
    assert again.failed and "has moved since the plan was saved" in again.message
