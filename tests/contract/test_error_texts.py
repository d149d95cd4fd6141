"""The texts that clients of Proxmox VE look for, each from the request that provokes it (error_cases.py)."""

from __future__ import annotations

import pytest

from lab.pve.client import Client
from lab.pve.process import Emulator
from tests.contract.error_cases import CASES, CLUSTER, QEMU, TASK, Case
from tests.contract.machines import Api

pytestmark = pytest.mark.emulator_only("it needs guests of its own, or several nodes")


@pytest.fixture(scope="module")
def shared_pve(make_pve) -> Emulator:
    return make_pve(with_template=True, time_scale=0.005)


@pytest.fixture(scope="module")
def machines(shared_pve) -> Emulator:
    """The machines and storages of an emulated host that the cases are about."""
    pve = shared_pve
    api = Api(pve)
    pve.lab("POST", "/lab/guests", {"vmid": 500, "config": {"name": "half-made", "lock": "clone"}})
    api.blank(501, scsi0="local-lvm:1", agent=1)
    api.blank(502, scsi0="local-lvm:1", scsi1="local-lvm:1", agent=1)
    api.start(502)
    api.blank(503, protection=1)
    api.start(503)
    api.blank(504)
    pve.lab("PUT", "/lab/guests", {"vmid": 504, "ha": True})
    api.post("/storage", storage="off", type="dir", path="/srv/off", content="images", disable=1)
    api.post("/storage", storage="elsewhere", type="dir", path="/srv/elsewhere", content="images", nodes="other")
    api.post("/pools", poolid="taken")
    return pve


@pytest.fixture(scope="module")
def cluster(make_pve) -> Emulator:
    """Two nodes that share a storage, with a linked clone of the template."""
    pve = make_pve(nodes=2, profile="rbd", with_template=True, time_scale=0.005)
    api = Api(pve)
    api.run(api.post("/nodes/pve1/qemu/9000/clone", newid=601))
    api.post("/storage", storage="own", type="dir", path="/srv/own", content="images")
    return pve


@pytest.mark.real
@pytest.mark.parametrize("case", [case for case in CASES if not case.emulator_only], ids=lambda case: case.name)
def test_text(request, host, node, guest, case: Case):
    places = {"guest": guest.path, "vmid": guest.vmid, "node": node, "storage": ""}
    if case.needs == "audits":
        request.getfixturevalue("audits")
    if case.needs == "disk":
        places["storage"] = request.getfixturevalue("storage")
        if "scsi0" not in guest.config():
            guest.change(scsi0=f"{places['storage']}:1")
    guest.change(agent=1)
    if case.needs == "running":
        request.getfixturevalue("may_start")
        guest.start()
    before = guest.config()
    refusal_is_as_told(host, case.filled(**places))
    assert guest.config() == before, "what was refused has changed the guest"


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name, marks=pytest.mark.emulator_only(case.emulator_only))
                                  for case in CASES if case.emulator_only])
def test_text_of_other_guests(machines, case: Case):
    set_fault(machines, case)
    refusal_is_as_told(machines, case)


@pytest.mark.parametrize("case", CLUSTER, ids=lambda case: case.name)
def test_text_of_a_cluster(cluster, case: Case):
    set_fault(cluster, case)
    refusal_is_as_told(cluster, case)


def set_fault(pve: Emulator, case: Case) -> None:
    """The case's own fault and no other."""
    pve.clear_faults()
    if case.fault:
        action, rule = case.fault
        pve.fault(action, **rule)


def refusal_is_as_told(pve: Client, case: Case) -> None:
    api = Api(pve)
    if case.at == TASK:
        answer = pve.call(case.method, case.path, api.session, **case.options)
        assert answer.ok, f"refused at once, not in the task: {answer.text}"
        upid = answer.json()["data"]
        assert pve.wait(upid) == case.text
        assert api.log(upid)[-1] == f"TASK ERROR: {case.text}"
    else:
        assert api.refused(case.method, case.path, **case.options) == (case.status, case.text)


def test_nothing_was_changed_by_what_was_refused(machines):
    """Runs last: after all refusals the machines are as they were made."""
    api = Api(machines)
    machines.clear_faults()
    assert {row["vmid"] for row in api.get(QEMU)} - {990} == {500, 501, 502, 503, 504, 9000}
    assert api.config(500)["lock"] == "clone" and "cores" not in api.config(501)
    assert api.volumes(vmid=501) == {"local-lvm:vm-501-disk-0"}
