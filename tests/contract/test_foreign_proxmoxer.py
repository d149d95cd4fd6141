"""proxmoxer, unchanged: the client under community.proxmox and many scripts."""

from __future__ import annotations

import hashlib
import time
from urllib.parse import quote, unquote

import proxmoxer
import pytest
from proxmoxer.tools import Files, Tasks

from tests.contract.file_server import serve

KEYS = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGu+l/R5B1n0hQK9WwcE8kOeE1Yw0G8i9+3p1xYx/a8= me+you@example.org\n",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC+//+= it's 100%: ~!*'() #1\n\nssh-ed25519 AAAAC3Nz+/a= b",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI= 名前\n"]


@pytest.fixture(scope="module")
def api(make_pve):
    """The administrator's token on a node with a template."""
    pve = make_pve(with_template=True)
    api = pve.api()
    api.pve = pve
    return api


@pytest.fixture(scope="module")
def guest(api):
    """A clone that stays off."""
    upid = api.nodes("pve").qemu(9000).clone.post(newid=301, name="by-proxmoxer")
    assert Tasks.blocking_status(api, upid, timeout=120, polling_interval=0.1)["exitstatus"] == "OK"
    return api.nodes("pve").qemu(301)


def test_a_token_logs_in(api):
    assert api.version.get()["release"] == "9.2" or api.version.get()["release"] == "9.1"


def test_a_password_logs_in_and_writes_with_a_csrf_token(api):
    by_password = api.pve.api(user="root@pam", password=api.pve.connection["password"])
    by_password.pools.post(poolid="written-with-a-ticket")
    assert "written-with-a-ticket" in [pool["poolid"] for pool in by_password.pools.get()]
    ticket, csrf = by_password.get_tokens()
    assert ticket.startswith("PVE:root@pam:") and ":" in csrf


def test_a_wrong_password_is_an_authentication_error(api):
    with pytest.raises(proxmoxer.AuthenticationError):
        api.pve.api(user="root@pam", password="wrong")


def test_a_wrong_token_is_a_401(api):
    wrong = api.pve.api(user="root@pam", token_name="lab", token_value="00000000-0000-0000-0000-000000000000")
    with pytest.raises(proxmoxer.ResourceException) as caught:
        wrong.nodes.get()
    assert caught.value.status_code == 401


@pytest.mark.parametrize("keys", KEYS, ids=["plus-slash", "percent-quote-blank-line", "unicode"])
def test_ssh_keys_come_back_as_they_were_sent(guest, keys):
    guest.config.set(sshkeys=quote(keys, safe=""))
    assert unquote(guest.config.get()["sshkeys"]) == keys


def test_ssh_keys_that_are_not_encoded_are_refused(guest):
    with pytest.raises(proxmoxer.ResourceException) as caught:
        guest.config.set(sshkeys=KEYS[0])
    assert caught.value.status_code == 400
    assert "invalid urlencoded string" in caught.value.errors["sshkeys"]


def test_a_python_boolean_is_refused_as_proxmox_ve_does(api):
    with pytest.raises(proxmoxer.ResourceException) as caught:
        api.nodes("pve").qemu(9000).clone.post(newid=302, full=True)
    assert caught.value.status_code == 400
    assert caught.value.errors == {"full": "type check ('boolean') failed - got 'True'"}


def test_errors_carry_the_reason_line(guest, api):
    with pytest.raises(proxmoxer.ResourceException) as caught:
        api.nodes("pve").qemu(999).config.get()
    assert caught.value.status_code == 500
    assert caught.value.content == "Configuration file 'nodes/pve/qemu-server/999.conf' does not exist"


def test_options_of_delete_travel_in_the_query(api):
    upid = api.nodes("pve").qemu(9000).clone.post(newid=303, name="to-be-removed")
    assert Tasks.blocking_status(api, upid, timeout=120, polling_interval=0.1)["exitstatus"] == "OK"
    upid = api.nodes("pve").qemu(303).delete(purge=1, **{"destroy-unreferenced-disks": 1})
    assert Tasks.blocking_status(api, upid, timeout=120, polling_interval=0.1)["exitstatus"] == "OK"
    assert 303 not in [one["vmid"] for one in api.nodes("pve").qemu.get()]


def test_task_tools_decode_and_follow(api, guest):
    upid = guest.config.post(description="by a task")
    decoded = Tasks.decode_upid(upid)
    assert (decoded["node"], decoded["type"], decoded["id"], decoded["user"]) == ("pve", "qmconfig", "301", "root@pam")
    assert abs(decoded["starttime"] - time.time()) < 60
    assert Tasks.blocking_status(api, upid, timeout=120, polling_interval=0.1)["exitstatus"] == "OK"
    log = Tasks.decode_log(api.nodes("pve").tasks(upid).log.get())
    assert log.splitlines()[-1] == "TASK OK"


def test_arrays_of_commands_reach_the_agent(api, guest):
    guest.config.set(ipconfig0="ip=192.0.2.9/24", agent="1")
    assert Tasks.blocking_status(api, guest.status.start.post(), timeout=120, polling_interval=0.1)["exitstatus"] == "OK"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            pid = guest.agent("exec").post(command=["cat", "/etc/hostname"])["pid"]
            break
        except proxmoxer.ResourceException as error:
            assert error.content == "QEMU guest agent is not running"
    answer = guest.agent("exec-status").get(pid=pid)
    assert answer["exited"] == 1 and answer["out-data"] == "by-proxmoxer\n"


def test_file_tools_find_the_checksum_and_download(api, tmp_path):
    (tmp_path / "rescue.iso").write_bytes(bytes(200_000))
    digest = hashlib.sha256((tmp_path / "rescue.iso").read_bytes()).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  rescue.iso\n")
    files = Files(api, "pve", "local")
    with serve(tmp_path) as url:
        assert files.get_file_info(f"{url}/rescue.iso")["size"] == 200_000
        assert files.download_file_to_storage(f"{url}/rescue.iso")["exitstatus"] == "OK"
    (volume,) = api.nodes("pve").storage("local").content.get(content="iso")
    assert (volume["volid"], volume["format"], volume["size"]) == ("local:iso/rescue.iso", "iso", 200_000)
