"""Create, import, template, migrate, destroy (facts/proxmox 1.2, 1.3)."""

from __future__ import annotations

import time

import pytest

from tests.contract.machines import BASE, Api
from tests.contract.scratch import POOL

pytestmark = pytest.mark.emulator_only("it needs several guests or nodes, a fault or a restart")


@pytest.fixture
def api(pve):
    return Api(pve)


@pytest.mark.real
def test_a_new_machine_gets_what_pve_gives_every_machine(guest):
    config = guest.remake(ide2="none,media=cdrom")
    assert config["boot"] == "order=ide2;net0"
    assert "uuid=" in config["smbios1"] and config["vmgenid"] and "creation-qemu=" in config["meta"]
    assert config["net0"].startswith("virtio=BC:24:11:")


@pytest.mark.real
def test_a_new_disk_is_the_first_to_boot(guest, storage):
    config = guest.remake(scsi0=f"{storage}:1", ide2="none,media=cdrom")
    assert config["scsi0"].startswith(f"{storage}:") and config["scsi0"].endswith(",size=1G")
    assert config["boot"] == "order=scsi0;ide2;net0"


def test_an_efi_disk_has_its_own_size(api):
    config = api.blank(101, bios="ovmf", efidisk0="local-lvm:1,efitype=4m,pre-enrolled-keys=0")
    assert config["efidisk0"] == "local-lvm:vm-101-disk-0,efitype=4m,pre-enrolled-keys=0,size=4M"


@pytest.mark.real
def test_a_taken_id_is_refused_at_once(guest, node):
    vmid = guest.vmid
    assert guest.api.refused("POST", guest.api.base, **guest.options) == (
        500, f"unable to create VM {vmid} - VM {vmid} already exists on node '{node}'")
    assert guest.api.refused("GET", "/cluster/nextid", vmid=vmid) == (400, f"vmid: VM {vmid} already exists")


def test_a_machine_that_cannot_have_its_disk_is_not_made(api, pve):
    pve.fault("storage_full", storage="local-lvm", nth=2)
    upid = api.post(BASE, vmid=103, scsi0="local-lvm:1", scsi1="local-lvm:1")
    assert "free space in thin pool" in api.ends(upid)
    assert api.refused("GET", "103/config")[0] == 500 and api.volumes(vmid=103) == set()


@pytest.mark.real
def test_create_can_start(may_start, guest):
    guest.remake(start=1)
    deadline = time.monotonic() + 60
    while guest.get("status/current")["status"] != "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_machine_becomes_a_template_once(api):
    api.blank(110, scsi0="local-lvm:1", ide2="local-lvm:cloudinit")
    api.start(110)
    assert api.refused("POST", "110/template") == (500, "you can't convert a VM to template if VM is running")
    api.stop(110)
    api.run(api.post("110/template"))
    config = api.config(110)
    assert config["template"] == 1 and config["scsi0"] == "local-lvm:base-110-disk-0,size=1G"
    assert config["ide2"].startswith("local-lvm:vm-110-cloudinit")
    assert api.refused("POST", "110/template") == (500, "you can't convert a template to a template")
    assert api.get("110/feature", feature="clone")["hasFeature"] == 1


def test_destroying_takes_the_volumes_along(api):
    api.post("/pools", poolid="gone")
    api.blank(120, scsi0="local-lvm:1", scsi1="local-lvm:1", pool="gone")
    api.change(120, delete="scsi1")
    api.post("/nodes/pve/storage/local-lvm/content", vmid=120, filename="vm-120-disk-9", size="1G")
    api.run(api.delete("120"))
    assert api.volumes(vmid=120) == {"local-lvm:vm-120-disk-9"}
    assert api.get("/pools/gone")["members"] == []
    api.blank(120)
    api.run(api.delete("120", **{"destroy-unreferenced-disks": 1}))
    assert api.volumes(vmid=120) == set()


@pytest.mark.real
def test_protection_holds(guest):
    guest.change(protection=1)
    assert guest.refused("DELETE") == (500, f"can't remove VM {guest.vmid} - protection mode enabled")
    guest.remove()
    assert guest.state() is None


@pytest.mark.real
def test_protection_holds_for_disks(guest, storage):
    guest.remake(protection=1, scsi0=f"{storage}:1")
    assert guest.refused("PUT", "config", delete="scsi0") == (
        500, "can't remove drive 'scsi0' - protection mode enabled")
    guest.remove()


def test_on_lvm_thin_a_template_in_use_can_be_destroyed(api):
    """facts/proxmox 1.3 destroy: not detectable on LVM-thin."""
    api.blank(122, scsi0="local-lvm:1")
    api.run(api.post("122/template"))
    api.clone(123, 122)
    api.remove(122)
    assert api.config(123)["scsi0"]


@pytest.mark.real
def test_lists_show_the_guest(guest):
    guest.remake(cores=2, tags="t")
    (row,) = [row for row in guest.api.get(guest.api.base) if row["vmid"] == guest.vmid]
    assert (row["name"], row["cpus"], row["status"]) == (POOL, 2, "stopped")
    (entry,) = [entry for entry in guest.api.get("/cluster/resources", type="vm") if entry["vmid"] == guest.vmid]
    assert (entry["type"], entry["pool"]) == ("qemu", POOL)


@pytest.mark.real
def test_lists_show_the_size_of_the_first_disk(guest, storage):
    guest.remake(scsi0=f"{storage}:3")
    (row,) = [row for row in guest.api.get(guest.api.base) if row["vmid"] == guest.vmid]
    assert row["maxdisk"] == 3 * 2**30


def test_lists_show_nothing_to_the_blind(api, pve):
    api.blank(130)
    api.post("/access/users", userid="blind@pve")
    secret = api.post("/access/users/blind@pve/token/tok", privsep=0)["value"]
    assert Api(pve, f"blind@pve!tok={secret}").get(BASE) == []


@pytest.mark.real
def test_there_are_no_snapshots(guest):
    assert [row["name"] for row in guest.get("snapshot")] == ["current"]


def test_a_machine_moves_to_another_node(make_pve):
    api = Api(make_pve(nodes=2))
    base = "/nodes/pve1/qemu"
    api.run(api.post(base, vmid=100, scsi0="local-lvm:1"))
    assert api.get(f"{base}/100/migrate")["local_disks"][0]["volid"] == "local-lvm:vm-100-disk-0"
    assert api.refused("POST", f"{base}/100/migrate", target="pve1") == (400, "target: target is local node.")
    api.run(api.post(f"{base}/100/migrate", target="pve2"))
    assert api.refused("GET", f"{base}/100/config") == (
        500, "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist")
    assert api.get("/nodes/pve2/qemu/100/config")["scsi0"] == "local-lvm:vm-100-disk-0,size=1G"
    assert api.get("/nodes/pve1/storage/local-lvm/content") == []
    assert api.refused("POST", "/nodes/pve2/qemu/100/migrate", target="pve9")[0] == 500


def test_a_machine_survives_a_restart_of_the_emulator(make_pve):
    pve = make_pve(with_template=True)
    api = Api(pve)
    before = api.clone(101, name="kept")
    pve.restart()
    assert Api(pve).config(101) == before


def test_a_host_that_dies_in_a_clone_leaves_lock_and_volume(make_pve):
    pve = make_pve(with_template=True, time_scale=2)
    upid = Api(pve).post("9000/clone", newid=101)
    while not Api(pve).volumes(vmid=101):
        pass
    pve.kill()
    pve.restart()
    api = Api(pve)
    assert api.ends(upid) == "unexpected status"
    assert api.config(101)["lock"] == "clone"
    assert api.volumes(vmid=101)


@pytest.mark.real
def test_of_two_creations_with_one_id_one_is_refused_at_once(guest, node):
    guest.remove()
    upid = guest.post_new()
    vmid = guest.vmid
    assert guest.api.refused("POST", guest.api.base, **guest.options) == (
        500, f"unable to create VM {vmid} - VM {vmid} already exists on node '{node}'")
    guest.api.run(upid)
    assert "lock" not in guest.config()
