"""Clones (facts/proxmox 1.3 clone, 4 locks)."""

from __future__ import annotations

import concurrent.futures

import pytest

from tests.contract.machines import Api

pytestmark = pytest.mark.emulator_only("a clone is a second guest, and most need a template, several nodes or a fault")


@pytest.fixture(scope="module")
def shared_pve(make_pve):
    return make_pve(with_template=True)


@pytest.fixture
def api(pve):
    return Api(pve)


def parsed(value):
    return dict(part.split("=", 1) for part in value.split(",") if "=" in part)


def test_a_template_is_cloned_linked_and_gets_a_new_identity(api):
    before, config = api.config(9000), api.clone(201, name="m1")
    assert config["name"] == "m1" and "template" not in config and "lock" not in config
    assert parsed(config["smbios1"])["uuid"] != parsed(before["smbios1"])["uuid"]
    assert parsed(config["net0"])["virtio"] != parsed(before["net0"])["virtio"]
    assert parsed(config["net0"])["virtio"].startswith("BC:24:11:")
    assert config["scsi0"].startswith("local-lvm:vm-201-disk-")
    assert config["ide2"] == "local-lvm:vm-201-cloudinit,media=cdrom,size=4M"
    for key in ("agent", "ipconfig0", "serial0", "vga", "cpu", "bios", "machine", "scsihw"):
        assert config[key] == before[key]


def test_a_clone_without_name_is_called_after_its_source(api):
    assert api.clone(202)["name"] == "Copy-of-VM-ubuntu-2204-template"


def test_the_machine_is_locked_while_it_is_cloned(make_pve):
    api = Api(make_pve(with_template=True, time_scale=1))
    upid = api.post("9000/clone", newid=203)
    rows = {row["vmid"]: row for row in api.get("/cluster/resources", type="vm")}
    assert rows[203]["lock"] == "clone"
    assert api.refused("PUT", "203/config", cores=2) == (500, "VM is locked (clone)")
    api.run(upid)
    assert "lock" not in api.config(203)


def test_a_linked_clone_takes_no_other_storage(api):
    assert api.refused("POST", "9000/clone", newid=204, storage="local-lvm") == (
        500, "parameter 'storage' not allowed for linked clones")
    config = api.clone(204, full=1, storage="local-lvm")
    assert config["scsi0"].startswith("local-lvm:vm-204-disk-")


def test_an_ordinary_machine_is_always_cloned_in_full(api):
    api.blank(205, scsi0="local-lvm:2", protection=0, onboot=1, tags="x")
    upid = api.post("205/clone", newid=206)
    api.run(upid)
    assert any(line.startswith("create full clone of drive scsi0") for line in api.log(upid))
    assert api.config(206)["tags"] == "x" and api.config(206)["onboot"] == 1


def test_pending_changes_of_the_source_are_not_copied(api):
    api.blank(207, scsi0="local-lvm:1", cores=1)
    api.start(207)
    api.change(207, cores=3)
    assert api.config(207)["cores"] == 3
    api.run(api.post("207/clone", newid=208))
    assert api.config(208)["cores"] == 1


@pytest.mark.parametrize(("options", "text"), [
    ({"newid": 9000}, "unable to create VM 9000: config file already exists"),
    ({"newid": 209, "pool": "nowhere"}, "pool 'nowhere' does not exist"),
    ({"newid": 209, "full": 1, "storage": "nowhere"}, "storage 'nowhere' does not exist"),
])
def test_what_cannot_be_is_refused_at_once(api, options, text):
    status, reason = api.refused("POST", "9000/clone", **options)
    assert (status, reason) == (500, text)


def test_a_taken_id_can_also_come_as_a_task_error(api, pve):
    pve.fault("id_taken", vmid=210, count=1)
    assert api.ends(api.post("9000/clone", newid=210)) == "unable to create VM 210: config file already exists"
    assert api.clone(210)["digest"]


def test_two_clones_to_one_id_leave_one_machine(api):
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        def attempt(_number):
            answer = api.pve.call("POST", "/nodes/pve/qemu/9000/clone", newid=211)
            return api.ends(answer.json()["data"]) if answer.ok else answer.reason
        outcomes = sorted(threads.map(attempt, range(2)))
    assert "OK" in outcomes
    other = next(outcome for outcome in outcomes if outcome != "OK")
    assert other in ("unable to create VM 211: config file already exists",
                     "can't lock file '/var/lock/qemu-server/lock-211.conf' - got timeout")
    assert len(api.volumes(vmid=211)) == 3


def test_a_full_storage_leaves_nothing_behind(api, pve):
    pve.fault("storage_full", storage="local-lvm", nth=2)
    end = api.ends(api.post("9000/clone", newid=212))
    assert end.startswith("clone failed: lvcreate") and "free space in thin pool" in end
    assert api.volumes(vmid=212) == set()
    assert api.refused("GET", "212/config")[1] == "Configuration file 'nodes/pve/qemu-server/212.conf' does not exist"
    assert api.clone(212)["scsi0"]


def test_a_killed_worker_leaves_what_a_killed_host_would(api, pve):
    pve.fault("task_death", task="qmclone", after_lines=1)
    assert api.ends(api.post("9000/clone", newid=213)) == "unexpected status"
    pve.clear_faults()
    assert api.config(213)["lock"] == "clone"
    assert api.ends(api.delete("213")) == "VM is locked (clone)"


def test_a_clone_joins_its_pool(api):
    api.post("/pools", poolid="clones")
    api.clone(214, pool="clones")
    assert [member["vmid"] for member in api.get("/pools/clones")["members"]] == [214]


def test_a_template_cannot_go_to_another_node_from_local_storage(make_pve):
    api = Api(make_pve(nodes=2))
    base = "/nodes/pve1/qemu"
    api.run(api.post(base, vmid=300, scsi0="local-lvm:1"))
    api.run(api.post(f"{base}/300/template"))
    assert api.refused("POST", f"{base}/300/clone", newid=301, target="pve2") == (
        500, "can't clone VM to node 'pve2' (VM uses local storage)")
    api.run(api.post("/nodes/pve2/qemu", vmid=302))
    assert "failed: File exists" in api.ends(api.post(f"{base}/300/clone", newid=302))


def test_on_shared_storage_a_clone_can_go_to_another_node(make_pve):
    api = Api(make_pve(nodes=2, profile="rbd"))
    base = "/nodes/pve1/qemu"
    api.run(api.post(base, vmid=300, scsi0="ceph:1"))
    api.run(api.post(f"{base}/300/template"))
    api.run(api.post(f"{base}/300/clone", newid=301, target="pve2"))
    config = api.get("/nodes/pve2/qemu/301/config")
    assert config["scsi0"] == "ceph:base-300-disk-0/vm-301-disk-0,size=1G"
    assert api.ends(api.delete(f"{base}/300")) == (
        "base volume 'ceph:base-300-disk-0' is still in use by linked cloned")


def test_any_shape_of_template_is_cloned(pve, api):
    pve.lab("POST", "/lab/templates", {"vmid": 9001, "name": "old-shape", "bios": "seabios"})
    config = api.clone(220, 9001)
    assert "bios" not in config and "efidisk0" not in config and "machine" not in config
