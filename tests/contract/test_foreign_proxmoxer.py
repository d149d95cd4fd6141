"""proxmoxer, unchanged: the client under community.proxmox and many scripts."""

from __future__ import annotations

import hashlib
import time
from urllib.parse import quote, unquote

import proxmoxer
import pytest
from proxmoxer.tools import Files, Tasks

from tests.contract.coverage import VERSIONS
from tests.web_server import serve

pytestmark = pytest.mark.emulator_only("it needs a password, a guest with a system in it, or a download")

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
def clone(api):
    """A clone that stays off."""
    upid = api.nodes("pve").qemu(9000).clone.post(newid=301, name="by-proxmoxer")
    assert Tasks.blocking_status(api, upid, timeout=120, polling_interval=0.1)["exitstatus"] == "OK"
    return api.nodes("pve").qemu(301)


@pytest.fixture
def client(host):
    """The token of the host, emulated or real."""
    return host.api()


@pytest.fixture
def machine(client, node, guest):
    """The throwaway guest as proxmoxer has it."""
    return client.nodes(node).qemu(guest.vmid)


@pytest.mark.real
def test_a_token_logs_in(client):
    assert client.version.get()["release"] in VERSIONS


def test_a_password_logs_in_and_writes_with_a_csrf_token(api):
    by_password = api.pve.api(user="root@pam", password=api.pve.connection["password"])
    by_password.pools.post(poolid="written-with-a-ticket")
    assert "written-with-a-ticket" in [pool["poolid"] for pool in by_password.pools.get()]
    ticket, csrf = by_password.get_tokens()
    assert ticket.startswith("PVE:root@pam:") and ":" in csrf


def test_a_wrong_password_is_an_authentication_error(api):
    with pytest.raises(proxmoxer.AuthenticationError):
        api.pve.api(user="root@pam", password="wrong")


@pytest.mark.real
def test_a_wrong_token_is_a_401(host):
    wrong = host.api(user=host.connection["user"], token_name=host.connection["token_id"],
                     token_value="00000000-0000-0000-0000-000000000000")
    with pytest.raises(proxmoxer.ResourceException) as caught:
        wrong.nodes.get()
    assert caught.value.status_code == 401


@pytest.mark.real
@pytest.mark.parametrize("keys", KEYS, ids=["plus-slash", "percent-quote-blank-line", "unicode"])
def test_ssh_keys_come_back_as_they_were_sent(machine, keys):
    machine.config.set(sshkeys=quote(keys, safe=""))
    assert unquote(machine.config.get()["sshkeys"]) == keys


@pytest.mark.real
def test_ssh_keys_that_are_not_encoded_are_refused(machine):
    with pytest.raises(proxmoxer.ResourceException) as caught:
        machine.config.set(sshkeys=KEYS[0])
    assert caught.value.status_code == 400
    assert "invalid urlencoded string" in caught.value.errors["sshkeys"]


@pytest.mark.real
def test_a_python_boolean_is_refused_as_proxmox_ve_does(machine):
    with pytest.raises(proxmoxer.ResourceException) as caught:
        machine.config.set(onboot=True)
    assert caught.value.status_code == 400
    assert caught.value.errors == {"onboot": "type check ('boolean') failed - got 'True'"}


@pytest.mark.real
def test_errors_carry_the_reason_line(guest, machine):
    with pytest.raises(proxmoxer.ResourceException) as caught:
        machine.agent.info.get()
    assert caught.value.status_code == 500
    assert caught.value.content == "No QEMU guest agent configured"


@pytest.mark.real
def test_options_of_delete_travel_in_the_query(client, guest, machine):
    upid = machine.delete(purge=1, **{"destroy-unreferenced-disks": 1})
    assert Tasks.blocking_status(client, upid, timeout=120, polling_interval=0.1)["exitstatus"] == "OK"
    assert guest.state() is None


@pytest.mark.real
def test_task_tools_decode_and_follow(host, client, node, guest, machine):
    upid = machine.config.post(description="by a task")
    decoded = Tasks.decode_upid(upid)
    assert (decoded["node"], decoded["type"], decoded["id"]) == (node, "qmconfig", str(guest.vmid))
    assert decoded["user"] == host.connection["user"]
    assert abs(decoded["starttime"] - time.time()) < 60
    assert Tasks.blocking_status(client, upid, timeout=120, polling_interval=0.1)["exitstatus"] == "OK"
    log = Tasks.decode_log(client.nodes(node).tasks(upid).log.get())
    assert log.splitlines()[-1] == "TASK OK"


def test_arrays_of_commands_reach_the_agent(api, clone):
    clone.config.set(ipconfig0="ip=192.0.2.9/24", agent="1")
    assert Tasks.blocking_status(api, clone.status.start.post(), timeout=120, polling_interval=0.1)["exitstatus"] == "OK"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            pid = clone.agent("exec").post(command=["cat", "/etc/hostname"])["pid"]
            break
        except proxmoxer.ResourceException as error:
            assert error.content == "QEMU guest agent is not running"
    answer = clone.agent("exec-status").get(pid=pid)
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
