"""What our modules build on, checked on the emulator and, with --real, on a true Proxmox VE.

    PROXMOX_HOST=… PROXMOX_USER=… PROXMOX_TOKEN_ID=… PROXMOX_TOKEN_SECRET=… PROXMOX_CA_PATH=… \
        pytest tests/contract --real

It makes one pool `dvz-qualification` and in it one guest without disks, at an id that is free, never starts it, and
removes both. It touches nothing else. Nobody has run it on a true host so far.
"""

from __future__ import annotations

import re

import pytest

POOL = "dvz-qualification"


@pytest.fixture(scope="module")
def node(host):
    nodes = host.call("GET", "/nodes").json()["data"]
    return sorted(entry["node"] for entry in nodes if entry["status"] == "online")[0]


@pytest.fixture(scope="module")
def guest(host, node):
    """The path of the throwaway guest; it and its pool are gone afterwards."""
    answer = host.call("POST", "/pools", poolid=POOL)
    assert answer.ok, f"the pool {POOL} cannot be made: {answer.text}; is one left from an earlier run?"
    try:
        vmid = host.call("GET", "/cluster/nextid").json()["data"]
        answer = host.call("POST", f"/nodes/{node}/qemu", vmid=vmid, name="dvz-qualification", pool=POOL, memory=128,
                           net0="virtio", scsihw="virtio-scsi-single", agent="enabled=1", tags="Throwaway;dvz")
        assert answer.ok, answer.text
        assert host.wait(answer.json()["data"]) == "OK"
        try:
            yield f"/nodes/{node}/qemu/{vmid}"
        finally:
            gone = host.call("DELETE", f"/nodes/{node}/qemu/{vmid}")
            assert host.wait(gone.json()["data"]) == "OK"
    finally:
        host.call("DELETE", "/pools", poolid=POOL)


def config(host, guest):
    return host.call("GET", f"{guest}/config").json()["data"]


def vmid_of(guest):
    return int(guest.rpartition("/")[2])


def test_release_is_one_that_we_know(host):
    assert re.match(r"9\.\d", host.call("GET", "/version").json()["data"]["version"])


def test_unknown_path_is_501(host):
    assert host.call("GET", "/no/such/path").status_code == 501


def test_unknown_node_is_a_failed_lookup(host):
    answer = host.call("GET", "/nodes/no-such-node-here/status")
    assert answer.status_code in (500, 596)
    assert answer.reason.startswith("hostname lookup 'no-such-node-here' failed")


def test_unknown_guest_does_not_exist(host, node):
    answer = host.call("GET", f"/nodes/{node}/qemu/999999998/config")
    assert answer.reason == f"Configuration file 'nodes/{node}/qemu-server/999999998.conf' does not exist"


def test_a_parameter_error_has_a_text_per_parameter(host, node):
    answer = host.call("POST", f"/nodes/{node}/qemu", vmid="abc", bogus=1)
    assert answer.status_code == 400
    assert answer.json()["errors"]["vmid"].startswith("type check ('integer') failed")
    assert "not defined in schema" in answer.json()["errors"]["bogus"]


def test_python_s_true_is_no_boolean(host, guest):
    answer = host.call("PUT", f"{guest}/config", onboot="True")
    assert answer.json()["errors"]["onboot"].startswith("type check ('boolean') failed")


def test_a_body_on_get_is_refused(host):
    session = getattr(host, "_session", None) or host.session()
    url = getattr(host, "_url", None) or host.url
    assert session.get(f"{url}/api2/json/version", data={"a": "b"}, timeout=30).status_code == 501


def test_a_taken_id_is_told(host, guest):
    answer = host.call("GET", "/cluster/nextid", vmid=vmid_of(guest))
    assert answer.json()["errors"]["vmid"] == f"VM {vmid_of(guest)} already exists"


def test_resources_show_the_guest_by_its_id(host, guest):
    entries = host.call("GET", "/cluster/resources", type="vm").json()["data"]
    (entry,) = [entry for entry in entries if entry["vmid"] == vmid_of(guest)]
    assert (entry["type"], entry["pool"]) == ("qemu", POOL)


def test_a_network_device_gets_an_address(host, guest):
    assert re.fullmatch(r"virtio=([0-9A-F]{2}:){5}[0-9A-F]{2}", config(host, guest)["net0"])


def test_config_types(host, guest):
    found = config(host, guest)
    assert (found["memory"], type(found["digest"]), len(found["digest"])) == ("128", str, 40)


def test_a_changed_config_has_another_digest_and_an_old_one_is_refused(host, guest):
    before = config(host, guest)["digest"]
    assert host.call("PUT", f"{guest}/config", cores=2, digest=before).ok
    assert config(host, guest)["digest"] != before
    answer = host.call("PUT", f"{guest}/config", cores=3, digest=before)
    assert (answer.status_code, answer.reason) == (500, "checksum mismatch (file change by other user?)")


def test_pending_lists_keys_with_values(host, guest):
    pending = {entry["key"]: entry for entry in host.call("GET", f"{guest}/pending").json()["data"]}
    assert str(pending["memory"]["value"]) == "128"
    assert "digest" in pending


def test_post_config_is_a_task(host, guest):
    answer = host.call("POST", f"{guest}/config", description="by qualification")
    upid = answer.json()["data"]
    assert upid is None or host.wait(upid) == "OK"
    assert config(host, guest)["description"].strip() == "by qualification"


def test_cloud_init_keys_are_stored_encoded(host, guest):
    key = "ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIGZvbGRlcmZvbGRlcmZvbGRlcmZvbGRlcmZvbGRlcmZv%20a%40b"
    answer = host.call("PUT", f"{guest}/config", sshkeys=key, ipconfig0="ip=192.0.2.10/24,gw=192.0.2.1",
                       ciuser="someone")
    assert answer.ok, answer.text
    found = config(host, guest)
    assert (found["sshkeys"], found["ciuser"]) == (key, "someone")
    assert set(found["ipconfig0"].split(",")) == {"ip=192.0.2.10/24", "gw=192.0.2.1"}


def test_delete_of_an_unknown_key_is_refused(host, guest):
    assert host.call("PUT", f"{guest}/config", delete="no_such_key").status_code == 400


def test_a_stopped_guest_has_no_agent(host, guest):
    answer = host.call("GET", f"{guest}/agent/network-get-interfaces")
    assert (answer.status_code, answer.reason) == (500, f"VM {vmid_of(guest)} is not running")


def test_tasks_of_the_guest_are_listed(host, node, guest):
    tasks = host.call("GET", f"/nodes/{node}/tasks", source="all", vmid=vmid_of(guest)).json()["data"]
    assert "qmcreate" in {task["type"] for task in tasks}
    assert all(task["upid"].startswith(f"UPID:{node}:") for task in tasks)


def test_an_unknown_task_is_400(host, node):
    upid = f"UPID:{node}:0000ABCD:0000ABCD:65000000:qmstart:100:root@pam:"
    answer = host.call("GET", f"/nodes/{node}/tasks/{upid}/status")
    assert (answer.status_code, answer.json()["errors"]) == (400, {"upid": "no such task"})


def test_own_rights_can_be_read(host):
    assert isinstance(host.call("GET", "/access/permissions").json()["data"], dict)


def test_a_pool_with_members_is_not_removed(host, guest):
    assert host.call("DELETE", "/pools", poolid=POOL).status_code == 500
