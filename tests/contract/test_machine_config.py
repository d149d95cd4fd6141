"""Configuration: reading, changing, pending, hotplug, disks (facts/proxmox 1.3 config, resize, data disk)."""

from __future__ import annotations

import json
import re

import pytest

from tests.contract.machines import Api

pytestmark = pytest.mark.emulator_only("it needs a bridge, a second storage, a user or a fault")


@pytest.fixture
def api(pve):
    return Api(pve)


def mac(config, key="net0"):
    return config[key].split(",")[0].split("=")[1]


@pytest.mark.real
def test_types_are_those_of_the_api(guest):
    config = guest.config()
    assert config["memory"] == "128" and len(config["digest"]) == 40
    guest.change(cores=2, onboot=1)
    config = guest.config()
    assert config["cores"] == 2 and config["onboot"] == 1
    guest.change(onboot=0)


@pytest.mark.real
def test_the_digest_guards_a_change(guest):
    old = guest.config()["digest"]
    guest.change(description="first", digest=old)
    assert guest.config()["digest"] != old
    text = "checksum mismatch (file change by other user?)"
    assert guest.refused("PUT", "config", cores=1, digest=old) == (500, text)
    assert guest.refused("POST", "config", cores=1, digest=old) == (500, text)


def test_the_digest_tells_of_someone_elses_change(api, pve):
    api.blank(100)
    pve.fault("foreign_edit", vmid=100)
    assert api.refused("POST", "100/config", cores=1, digest=api.config(100)["digest"]) == (
        500, "checksum mismatch (file change by other user?)")


@pytest.mark.real
def test_a_description_comes_back_with_a_line_end(guest):
    guest.change(description="one\ntwo")
    assert guest.config()["description"] == "one\ntwo\n"


@pytest.mark.real
def test_post_config_is_a_task(guest):
    upid = guest.post("config", description="in a task")
    assert ":qmconfig:" in upid
    guest.api.run(upid)
    assert guest.config()["description"] == "in a task\n"


@pytest.mark.real
def test_pending_lists_keys_with_values(guest):
    pending = {row["key"]: row for row in guest.get("pending")}
    assert str(pending["memory"]["value"]) == "128" and "digest" in pending


@pytest.mark.real
def test_a_network_device_gets_an_address(guest):
    assert re.match(r"virtio=([0-9A-F]{2}:){5}[0-9A-F]{2}(,|$)", guest.config()["net0"])


@pytest.mark.real
def test_a_network_device_is_replaced_whole(guest):
    before = guest.config()
    guest.change(net0=f"virtio={mac(before)},link_down=1,tag=5")
    assert mac(guest.config()) == mac(before)
    guest.change(net0="virtio,link_down=1")
    after = guest.config()
    assert mac(after) != mac(before) and "tag" not in after["net0"]


@pytest.mark.real
def test_cloud_init_keys_are_stored_encoded(guest):
    key = "ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIGZvbGRlcmZvbGRlcmZvbGRlcmZvbGRlcmZvbGRlcmZv%20a%40b"
    guest.change(sshkeys=key, ipconfig0="ip=192.0.2.10/24,gw=192.0.2.1", ciuser="someone")
    found = guest.config()
    assert (found["sshkeys"], found["ciuser"]) == (key, "someone")
    assert set(found["ipconfig0"].split(",")) == {"ip=192.0.2.10/24", "gw=192.0.2.1"}


@pytest.mark.real
def test_each_request_for_a_disk_makes_a_new_one(guest, storage):
    guest.change(scsi1=f"{storage}:1")
    first = guest.config()["scsi1"].split(",")[0]
    guest.change(scsi1=f"{storage}:1")
    config = guest.config()
    assert config["scsi1"].split(",")[0] != first and config["unused0"] == first
    guest.change(delete="unused0")
    assert first not in guest.volumes(storage) and "unused0" not in guest.config()


@pytest.mark.real
def test_a_deleted_disk_stays_as_unused_unless_forced(guest, storage):
    guest.change(scsi2=f"{storage}:1")
    volume = guest.config()["scsi2"].split(",")[0]
    guest.change(delete="scsi2")
    assert guest.config()["unused0"] == volume
    guest.change(scsi2=volume)
    assert "unused0" not in guest.config() and guest.config()["scsi2"] == f"{volume},size=1G"
    guest.change(delete="scsi2", force=1)
    assert volume not in guest.volumes(storage)


@pytest.mark.real
@pytest.mark.parametrize(("options", "text"), [
    ({"delete": "nonsense"}, "delete: unknown option 'nonsense'"),
    ({"delete": "cores", "cores": 2}, "delete: you can't use '-cores' and -delete cores' at the same time"),
    ({"nonsense": 1}, "property is not defined in schema"),
    ({"skiplock": "x"}, "skiplock"),
])
def test_wrong_parameters_are_named(guest, options, text):
    status, reason = guest.refused("PUT", "config", **options)
    assert status == 400 and text in reason


@pytest.mark.real
@pytest.mark.parametrize(("options", "text"), [
    ({"sshkeys": "hello"}, "SSH public key validation error"),
    ({"boot": "order=scsi9"}, "invalid bootorder: device 'scsi9' does not exist'"),
    ({"balloon": 4096}, "balloon value too large (must be smaller than assigned memory)"),
    ({"serial1": "/dev/ttyS0"}, "only root can set 'serial1' config for real devices"),
    ({"args": "-no-reboot"}, "only root can set 'args' config"),
])
def test_what_cannot_be_is_told(guest, options, text):
    assert guest.refused("PUT", "config", **options) == (500, text)


@pytest.mark.emulator_only("it asks for storages that a token of least privilege may not use")
@pytest.mark.parametrize(("drive", "status", "text"), [
    ("local:1", 400, "storage 'local' does not support vm images"),
    ("local-lvm:4,import-from=local:import/x.qcow2", 400, "'import-from' requires special syntax"),
    ("nowhere:1", 500, "storage 'nowhere' does not exist"),
    ("local-lvm:0,import-from=local:import/x.qcow2", 500, "volume 'local:import/x.qcow2' does not exist"),
])
def test_a_drive_that_cannot_be_is_told(guest, drive, status, text):
    got = guest.refused("PUT", "config", scsi3=drive)
    assert got[0] == status and text in got[1]


@pytest.mark.real
def test_deleting_what_is_not_set_is_only_a_warning(guest):
    upid = guest.post("config", delete="startdate")
    assert guest.api.ends(upid) == "WARNINGS: 1"
    assert "WARN: cannot delete 'startdate' - not set in current configuration!" in guest.api.log(upid)


@pytest.mark.real
def test_background_delay_answers_null(guest):
    assert guest.post("config", name="two", background_delay=10) is None
    assert guest.config()["name"] == "two"


def test_background_delay_answers_the_error(guest, pve):
    pve.fault("task_error", task="qmconfig", text="no luck", count=1)
    assert guest.refused("POST", "config", name="x", background_delay=10) == (
        500, f"failed to update VM {guest.vmid}: no luck")


@pytest.mark.real
def test_a_second_cloudinit_drive_is_refused(guest, storage):
    guest.change(ide2=f"{storage}:cloudinit")
    drive, _comma, rest = guest.config()["ide2"].partition(",")
    assert drive.startswith(f"{storage}:") and f"vm-{guest.vmid}-cloudinit" in drive and rest == "media=cdrom"
    status = guest.api.ends(guest.post("config", ide0=f"{storage}:cloudinit"))
    assert "cloud-init drive is already attached at 'ide2'" in status
    guest.change(delete="ide2")
    assert drive not in guest.volumes(storage)


@pytest.mark.real
def test_a_password_is_hashed_and_never_shown(guest):
    guest.change(cipassword="secret")
    assert guest.config()["cipassword"] == "**********"
    assert "secret" not in json.dumps(guest.get("pending")) + guest.get("cloudinit/dump", type="user")
    assert "password: $5$" in guest.get("cloudinit/dump", type="user")


@pytest.mark.real
def test_tags_are_a_sorted_set(guest):
    guest.change(tags="zebra,Apple;zebra")
    assert guest.config()["tags"] == "apple;zebra"


@pytest.mark.real
def test_a_running_machine_keeps_some_changes_pending(may_start, guest):
    guest.remake(cores=1, agent="enabled=0")
    guest.start()
    guest.change(name="fast", cores=2, memory=256, ipconfig0="ip=dhcp", delete="agent")
    pending = guest.pending()
    assert {key: row.get("pending") for key, row in pending.items()} == {"cores": 2, "memory": "256", "agent": None}
    assert pending["agent"]["delete"] == 1
    merged, current = guest.config(), guest.config(current=1)
    assert merged["cores"] == 2 and current["cores"] == 1 and "agent" not in merged
    guest.change(revert="cores")
    assert "cores" not in guest.pending()
    guest.change(memory=128)
    assert "memory" not in guest.pending()
    guest.stop()
    assert guest.pending() == {} and "agent" not in guest.config(current=1)


@pytest.mark.emulator_only("a card is unplugged with the help of the guest's system")
def test_cards_and_disks_are_plugged_while_it_runs(api):
    api.blank(110, scsi0="local-lvm:1", net0="virtio,bridge=vmbr0")
    api.start(110)
    own = mac(api.config(110))
    api.change(110, net1="virtio,bridge=vmbr0", scsi1="local-lvm:1", net0=f"virtio={own},bridge=vmbr0,mtu=1400")
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


@pytest.mark.emulator_only("a disk in use is let go by the guest's system")
def test_a_disk_in_use_is_unplugged_only_on_hotpluggable_buses(api):
    api.blank(111, scsi0="local-lvm:1", sata1="local-lvm:1", scsi1="local-lvm:1")
    api.start(111)
    api.change(111, delete="scsi1,sata1")
    assert "unused0" in api.config(111, current=1)
    assert set(api.pending(111)) == {"sata1"}


@pytest.mark.real
def test_a_disk_only_grows(guest, storage):
    guest.remake(scsi0=f"{storage}:1")
    guest.api.run(guest.put("resize", disk="scsi0", size="2G"))
    assert guest.config()["scsi0"].endswith("size=2G")
    guest.api.run(guest.put("resize", disk="scsi0", size="+1G"))
    guest.api.run(guest.put("resize", disk="scsi0", size="3G"))
    assert guest.api.ends(guest.put("resize", disk="scsi0", size="1G")) == "shrinking disks is not supported"
    assert guest.api.ends(guest.put("resize", disk="scsi5", size="1G")) == "disk 'scsi5' does not exist"
    assert guest.config()["scsi0"].endswith("size=3G")
    status, reason = guest.refused("PUT", "resize", disk="scsi0", size="big")
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


@pytest.mark.real
def test_what_the_guest_has_seen_of_cloudinit(may_start, guest, storage):
    guest.remake(ide2=f"{storage}:cloudinit", ciuser="ubuntu")
    guest.start()
    assert all("pending" not in row for row in guest.get("cloudinit"))
    guest.change(ciuser="root")
    assert [row for row in guest.get("cloudinit") if "pending" in row] == [
        {"key": "ciuser", "value": "ubuntu", "pending": "root"}]
    guest.put("cloudinit")
    assert all("pending" not in row for row in guest.get("cloudinit"))


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
