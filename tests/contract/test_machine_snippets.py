"""cicustom: who may set it, when its files are read, and what one that cannot be read does (Cloudinit.pm)."""

from __future__ import annotations

import pytest

from tests.contract.machines import Api

pytestmark = pytest.mark.emulator_only("it writes files on the node's disk, or makes users")

TEXT = "#cloud-config\npackages: [qemu-guest-agent]\n"


@pytest.fixture
def api(pve):
    return Api(pve)


def write(pve, name, text=TEXT, folder="var/lib/vz/snippets"):
    """A file on the node's own disk, as SSH would put it there: the API cannot upload snippets."""
    path = pve.folder / "hosts/pve" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def machine(api, vmid, cicustom):
    return api.blank(vmid, scsi0="local-lvm:1", ide2="local-lvm:cloudinit", cicustom=cicustom)


def test_a_file_is_only_looked_for_when_the_machine_starts(pve, api):
    machine(api, 300, "vendor=local:snippets/later.yml")
    assert api.ends(api.post("300/status/start")) == "volume 'local:snippets/later.yml' does not exist"
    assert api.refused("PUT", "300/cloudinit") == (500, "volume 'local:snippets/later.yml' does not exist")
    write(pve, "later.yml")
    api.start(300)


@pytest.mark.parametrize(("vmid", "volume", "text"), [
    (301, "nowhere:snippets/a.yml", "storage 'nowhere' does not exist"),
    (302, "local:iso/a.iso", "local:iso/a.iso is not in the snippets directory"),
    (303, "local:snippets/a/b.yml", "unable to parse directory volume name 'snippets/a/b.yml'"),
    (304, "local-lvm:snippets/a.yml", "local-lvm:snippets/a.yml is not in the snippets directory"),
    (305, "local:snippets/large.yml", "file too long - aborting"),
])
def test_a_file_that_cannot_be_read_fails_the_start(pve, api, vmid, volume, text):
    write(pve, "large.yml", "#" * (1024**2 + 1))
    machine(api, vmid, f"vendor={volume}")
    assert api.ends(api.post(f"{vmid}/status/start")) == text


def test_the_storages_own_folder_is_looked_in(pve, api):
    api.post("/storage", storage="share", type="dir", path="/srv/share", content="snippets",
             **{"content-dirs": "snippets=cloud-init"})
    write(pve, "own.yml", folder="srv/share/cloud-init")
    machine(api, 306, "vendor=share:snippets/own.yml,user=share:snippets/own.yml")
    api.start(306)


def test_a_link_out_of_the_hosts_disk_leads_nowhere(pve, api, tmp_path):
    (tmp_path / "secret").write_text("outside", encoding="utf-8")
    write(pve, "other.yml")
    (pve.folder / "hosts/pve/var/lib/vz/snippets/link.yml").symlink_to(tmp_path / "secret")
    machine(api, 307, "vendor=local:snippets/link.yml")
    assert api.ends(api.post("307/status/start")) == "volume 'local:snippets/link.yml' does not exist"


def test_without_a_cloud_init_drive_nothing_is_read(api):
    api.blank(308, scsi0="local-lvm:1", cicustom="vendor=local:snippets/none.yml")
    api.start(308)


@pytest.mark.real
@pytest.mark.parametrize("value", ["vendor=no-volume", "seller=local:snippets/a.yml", "local:snippets/a.yml"])
def test_what_is_no_list_of_volumes_is_refused(guest, value):
    status, text = guest.refused("PUT", "config", cicustom=value)
    assert status == 400 and text.startswith("cicustom: invalid format")


@pytest.mark.parametrize("privilege", ["VM.Config.Cloudinit", "VM.Config.Network"])
def test_either_privilege_for_cloud_init_is_enough(pve, api, privilege):
    number = 310 + len(privilege)
    api.blank(number, scsi0="local-lvm:1")
    user = f"u{number}@pve"
    api.post("/access/users", userid=user)
    secret = api.post(f"/access/users/{user}/token/tok", privsep=0)["value"]
    small = Api(pve, f"{user}!tok={secret}")
    api.post("/access/roles", roleid=f"R{number}", privs="VM.Audit,VM.Config.Options")
    api.put("/access/acl", path=f"/vms/{number}", users=user, roles=f"R{number}")
    refused = small.refused("PUT", f"{number}/config", cicustom="vendor=local:snippets/a.yml")
    assert refused == (403, f"Permission check failed (/vms/{number}, VM.Config.Cloudinit|VM.Config.Network)")
    api.put(f"/access/roles/R{number}", privs=f"VM.Audit,{privilege}")
    small.change(number, cicustom="vendor=local:snippets/a.yml")


def test_snippets_are_listed_for_who_may_allocate_the_storage(pve, api):
    write(pve, "listed.yml")
    content = "/nodes/pve/storage/local/content"
    row = next(row for row in api.get(content, content="snippets") if row["volid"] == "local:snippets/listed.yml")
    assert (row["content"], row["format"], row["size"]) == ("snippets", "snippet", len(TEXT))
    api.post("/access/users", userid="reader@pve")
    secret = api.post("/access/users/reader@pve/token/tok", privsep=0)["value"]
    api.put("/access/acl", path="/storage/local", users="reader@pve", roles="PVEDatastoreUser")
    assert Api(pve, f"reader@pve!tok={secret}").get(content, content="snippets") == []
