"""Configuration: reading, changing, pending, hotplug, disks (facts/proxmox 1.3 config, resize, data disk)."""

from __future__ import annotations

import json

import pytest

from tests.contract.machines import Api


@pytest.fixture(scope="module")
def machine(shared_pve):
    """One machine for the tests that only change it."""
    api = Api(shared_pve)
    api.blank(100, scsi0="local-lvm:2,discard=on", net0="virtio,bridge=vmbr0", name="one")
    return api


@pytest.fixture
def api(pve):
    return Api(pve)


def mac(config, key="net0"):
    return config[key].split(",")[0].split("=")[1]


def test_types_are_those_of_the_api(machine, pve):
    config = machine.config(100)
    assert config["memory"] == "512" and isinstance(config["memory"], str)
    machine.change(100, cores=2, onboot=1)
    config = machine.config(100)
    assert config["cores"] == 2 and config["onboot"] == 1


def test_the_digest_guards_a_change(machine, pve):
    old = machine.config(100)["digest"]
    machine.change(100, description="first", digest=old)
    text = "checksum mismatch (file change by other user?)"
    assert machine.refused("PUT", "100/config", cores=1, digest=old) == (500, text)
    assert machine.refused("POST", "100/config", cores=1, digest=old) == (500, text)
    pve.fault("foreign_edit", vmid=100)
    assert machine.refused("POST", "100/config", cores=1, digest=machine.config(100)["digest"]) == (500, text)


def test_a_description_comes_back_with_a_line_end(machine, pve):
    machine.change(100, description="one\ntwo")
    assert machine.config(100)["description"] == "one\ntwo\n"


def test_a_network_device_is_replaced_whole(machine, pve):
    before = machine.config(100)
    machine.change(100, net0=f"virtio={mac(before)},bridge=vmbr0,tag=5")
    assert mac(machine.config(100)) == mac(before)
    machine.change(100, net0="virtio,bridge=vmbr0")
    after = machine.config(100)
    assert mac(after) != mac(before) and "tag" not in after["net0"]


def test_each_request_for_a_disk_makes_a_new_one(machine, pve):
    machine.change(100, scsi1="local-lvm:1")
    first = machine.config(100)["scsi1"].split(",")[0]
    machine.change(100, scsi1="local-lvm:1")
    config = machine.config(100)
    assert config["scsi1"].split(",")[0] != first and config["unused0"] == first
    machine.change(100, delete="unused0")
    assert first not in machine.volumes() and "unused0" not in machine.config(100)


def test_a_deleted_disk_stays_as_unused_unless_forced(machine, pve):
    machine.change(100, scsi2="local-lvm:1")
    volume = machine.config(100)["scsi2"].split(",")[0]
    machine.change(100, delete="scsi2")
    assert machine.config(100)["unused0"] == volume
    machine.change(100, scsi2=volume)
    assert "unused0" not in machine.config(100) and machine.config(100)["scsi2"] == f"{volume},size=1G"
    machine.change(100, delete="scsi2", force=1)
    assert volume not in machine.volumes()


@pytest.mark.parametrize(("options", "text"), [
    ({"delete": "nonsense"}, "delete: unknown option 'nonsense'"),
    ({"delete": "cores", "cores": 2}, "delete: you can't use '-cores' and -delete cores' at the same time"),
    ({"nonsense": 1}, "property is not defined in schema"),
    ({"scsi3": "local:1"}, "storage 'local' does not support vm images"),
    ({"scsi3": "local-lvm:4,import-from=local:import/x.qcow2"}, "'import-from' requires special syntax"),
    ({"skiplock": "x"}, "skiplock"),
])
def test_wrong_parameters_are_named(machine, pve, options, text):
    status, reason = machine.refused("PUT", "100/config", **options)
    assert status == 400 and text in reason


@pytest.mark.parametrize(("options", "text"), [
    ({"scsi3": "nowhere:1"}, "storage 'nowhere' does not exist"),
    ({"scsi3": "local-lvm:0,import-from=local:import/x.qcow2"}, "volume 'local:import/x.qcow2' does not exist"),
    ({"sshkeys": "hello"}, "SSH public key validation error"),
    ({"boot": "order=scsi9"}, "invalid bootorder: device 'scsi9' does not exist'"),
    ({"balloon": 4096}, "balloon value too large (must be smaller than assigned memory)"),
    ({"serial1": "/dev/ttyS0"}, "only root can set 'serial1' config for real devices"),
    ({"args": "-no-reboot"}, "only root can set 'args' config"),
])
def test_what_cannot_be_is_told(machine, pve, options, text):
    assert machine.refused("PUT", "100/config", **options) == (500, text)


def test_deleting_what_is_not_set_is_only_a_warning(machine, pve):
    upid = machine.post("100/config", delete="startdate")
    assert machine.ends(upid) == "WARNINGS: 1"
    assert "WARN: cannot delete 'startdate' - not set in current configuration!" in machine.log(upid)


def test_background_delay_answers_null_or_the_error(machine, pve):
    assert machine.post("100/config", name="two", background_delay=10) is None
    assert machine.config(100)["name"] == "two"
    pve.fault("task_error", task="qmconfig", text="no luck", count=1)
    assert machine.refused("POST", "100/config", name="x", background_delay=10) == (
        500, "failed to update VM 100: no luck")


def test_a_second_cloudinit_drive_is_refused(machine, pve):
    machine.change(100, ide2="local-lvm:cloudinit")
    assert machine.config(100)["ide2"] == "local-lvm:vm-100-cloudinit,media=cdrom"
    status = machine.ends(machine.post("100/config", ide0="local-lvm:cloudinit"))
    assert "cloud-init drive is already attached at 'ide2'" in status
    machine.change(100, delete="ide2")
    assert "local-lvm:vm-100-cloudinit" not in machine.volumes()


def test_a_password_is_hashed_and_never_shown(machine, pve):
    machine.change(100, cipassword="secret")
    assert machine.config(100)["cipassword"] == "**********"
    assert "secret" not in json.dumps(machine.get("100/pending")) + machine.get("100/cloudinit/dump", type="user")
    assert "password: $5$" in machine.get("100/cloudinit/dump", type="user")


def test_tags_are_a_sorted_set(machine, pve):
    machine.change(100, tags="zebra,Apple;zebra")
    assert machine.config(100)["tags"] == "apple;zebra"


def test_a_running_machine_keeps_some_changes_pending(api):
    api.blank(110, scsi0="local-lvm:1", net0="virtio,bridge=vmbr0", cores=1, agent="enabled=0")
    api.start(110)
    own = mac(api.config(110))
    api.change(110, name="fast", cores=4, memory=1024, net1="virtio,bridge=vmbr0", scsi1="local-lvm:1",
               ipconfig0="ip=dhcp", net0=f"virtio={own},bridge=vmbr0,mtu=1400", delete="agent")
    pending = api.pending(110)
    assert {key: row.get("pending") for key, row in pending.items()} == {"cores": 4, "memory": "1024", "agent": None}
    assert pending["agent"]["delete"] == 1
    merged, current = api.config(110), api.config(110, current=1)
    assert merged["cores"] == 4 and current["cores"] == 1 and "agent" not in merged
    api.change(110, revert="cores")
    assert "cores" not in api.pending(110)
    api.change(110, memory=512)
    assert "memory" not in api.pending(110)
    api.stop(110)
    assert api.pending(110) == {} and api.config(110, current=1)["net0"].endswith("mtu=1400")


def test_a_card_is_plugged_only_where_the_machine_allows_it(api):
    """Model, address, queues and MTU need another card; bridge, tag and the like are the host's side of it."""
    api.blank(119, net0="virtio,bridge=vmbr0", hotplug="disk,usb")
    api.start(119)
    own = mac(api.config(119))
    api.change(119, net0=f"virtio={own},bridge=vmbr0,tag=5")
    assert api.pending(119) == {}
    api.change(119, net0=f"virtio={own},bridge=vmbr0,tag=5,mtu=1400", net1="virtio,bridge=vmbr0")
    assert set(api.pending(119)) == {"net0", "net1"}
    api.change(119, hotplug="network,disk,usb")
    api.change(119, net0=f"virtio={own},bridge=vmbr0,tag=5,mtu=1300")
    assert "net0" not in api.pending(119)
    api.stop(119)


def test_a_disk_in_use_is_unplugged_only_on_hotpluggable_buses(api):
    api.blank(111, scsi0="local-lvm:1", sata1="local-lvm:1", scsi1="local-lvm:1")
    api.start(111)
    api.change(111, delete="scsi1,sata1")
    assert "unused0" in api.config(111, current=1)
    assert set(api.pending(111)) == {"sata1"}


def test_a_disk_only_grows(api):
    api.blank(112, scsi0="local-lvm:2")
    api.run(api.put("112/resize", disk="scsi0", size="3G"))
    assert api.config(112)["scsi0"].endswith("size=3G")
    api.run(api.put("112/resize", disk="scsi0", size="+1G"))
    api.run(api.put("112/resize", disk="scsi0", size="4G"))
    assert api.ends(api.put("112/resize", disk="scsi0", size="1G")) == "shrinking disks is not supported"
    assert api.ends(api.put("112/resize", disk="scsi5", size="1G")) == "disk 'scsi5' does not exist"
    assert api.config(112)["scsi0"].endswith("size=4G")
    status, reason = api.refused("PUT", "112/resize", disk="scsi0", size="big")
    assert status == 400 and "value does not match the regex pattern" in reason


def test_a_disk_moves_and_leaves_the_old_one_unless_told(make_pve):
    api = Api(make_pve(profile="dir"))
    api.post("/storage", storage="other", type="dir", path="/mnt/other", content="images")
    api.blank(100, scsi0="vmdata:2,ssd=1", scsi1="vmdata:1")
    api.run(api.post("100/move_disk", disk="scsi0", storage="other"))
    assert api.config(100)["scsi0"] == "other:100/vm-100-disk-0.raw,size=2G,ssd=1"
    assert api.config(100)["unused0"] == "vmdata:100/vm-100-disk-0.raw"
    api.run(api.post("100/move_disk", disk="scsi1", storage="other", delete=1))
    assert "unused1" not in api.config(100)
    assert api.refused("POST", "100/move_disk", disk="scsi1", storage="other") == (
        500, "you can't move to the same storage with same format")


def test_what_the_guest_has_seen_of_cloudinit(api):
    api.blank(113, scsi0="local-lvm:1", ide2="local-lvm:cloudinit", name="seed", ciuser="ubuntu")
    api.start(113)
    assert all("pending" not in row for row in api.get("113/cloudinit"))
    api.change(113, ciuser="root")
    assert [row for row in api.get("113/cloudinit") if "pending" in row] == [
        {"key": "ciuser", "value": "ubuntu", "pending": "root"}]
    api.put("113/cloudinit")
    assert all("pending" not in row for row in api.get("113/cloudinit"))


def test_a_small_token_may_change_only_what_it_is_given(pve, api):
    api.blank(114, scsi0="local-lvm:1")
    api.post("/access/users", userid="small@pve")
    secret = api.post("/access/users/small@pve/token/tok", privsep=0)["value"]
    api.post("/access/roles", roleid="Small", privs="VM.Config.CPU,VM.Audit,VM.Config.Options")
    api.put("/access/acl", path="/vms/114", users="small@pve", roles="Small")
    small = Api(pve, f"small@pve!tok={secret}")
    small.change(114, cores=2)
    assert small.refused("PUT", "114/config", memory=1024) == (
        403, "Permission check failed (/vms/114, VM.Config.Memory)")
    assert small.refused("PUT", "114/config", startup="order=1") == (403, "Permission check failed (/, Sys.Modify)")
    assert small.refused("PUT", "114/config", scsi1="local-lvm:1") == (
        403, "Permission check failed (/vms/114, VM.Config.Disk)")
    assert small.refused("GET", "/nodes/pve/qemu/999/config")[0] == 403
