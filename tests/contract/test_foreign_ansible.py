"""Modules and the inventory plugin of community.proxmox, unchanged, from the `ansible` package.

Each playbook of tests/contract/foreign runs once; what it did is looked up through the API, not asked of the modules.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from lab.pve.client import Client
from lab.pve.process import Emulator
from tests.contract.ansible_runs import Run, inventory, play
from tests.contract.scratch import POOL, mark
from tests.web_server import serve

pytestmark = pytest.mark.emulator_only("it needs a template, a guest with a system in it, a download, or makes users")

KEYS = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGu+l/R5B1n0hQK9WwcE8kOeE1Yw0G8i9+3p1xYx/a8= me@example.org\n"
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC+//+= spaced comment, with: signs\n")
TEMPLATE = {"template_id": 9000, "template_name": "ubuntu-2204-template"}


@pytest.fixture(scope="module")
def site(make_pve) -> Emulator:
    """One node with the template 9000 and a pool."""
    pve = make_pve(with_template=True)
    assert pve.call("POST", "/pools", poolid="foreign").ok
    return pve


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("ansible")


def data(pve: Client, path: str, **query: Any) -> Any:
    answer = pve.call("GET", path, **query)
    assert answer.ok, answer.text
    return answer.json()["data"]


def config(pve: Emulator, vmid: int, **query: Any) -> dict[str, Any]:
    return data(pve, f"/nodes/pve/qemu/{vmid}/config", **query)


def clone(pve: Emulator, vmid: int, name: str) -> int:
    answer = pve.call("POST", "/nodes/pve/qemu/9000/clone", newid=vmid, name=name)
    assert pve.wait(answer.json()["data"]) == "OK"
    return vmid


def assert_ok(run: Run) -> Run:
    assert run.code == 0, run.failures
    return run


# -- proxmox_kvm ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def life(site, folder) -> Run:
    return assert_ok(play(site, folder, "virtual_machine.yml", node="pve", vmid=201, guest_name="foreign-1",
                          **TEMPLATE))


def test_kvm_clones_once(life, site):
    assert life.changed("Clone")
    assert not life.changed("Clone again")
    assert [task["type"] for task in data(site, "/nodes/pve/tasks", typefilter="qmclone")] == ["qmclone"]


@pytest.mark.real
def test_kvm_updates_every_key_it_was_given(host, node, guest, folder):
    run = assert_ok(play(host, folder, "update.yml", node=node, vmid=guest.vmid, guest_name="foreign-1", ssh_keys=KEYS))
    assert run.changed("Update")
    found = guest.config()
    expected = {"cores": 2, "memory": "256", "onboot": 0, "agent": "enabled=1", "tags": "blue;web", "ciuser": "admin",
                "nameserver": "192.0.2.1 192.0.2.2", "searchdomain": "example.internal",
                "ipconfig0": "ip=192.0.2.50/24,gw=192.0.2.1", "description": "from a foreign client\n"}
    assert {key: found.get(key) for key in expected} == expected
    assert unquote(found["sshkeys"]) == KEYS
    assert found["net0"].startswith("virtio=BC:24:11:") and found["net0"].endswith(",link_down=1,mtu=1400")


def test_kvm_starts_restarts_and_stops(life, site):
    assert life.changed("Start") and not life.changed("Start again")
    assert life.results["Look"]["status"] == "running"
    assert not life.changed("Delete while it runs")
    assert life.changed("Restart by force") and life.changed("Stop") and not life.changed("Stop again")
    assert data(site, "/nodes/pve/qemu/201/status/current")["status"] == "stopped"
    done = [task["type"] for task in data(site, "/nodes/pve/tasks", vmid=201)]
    assert done == ["qmshutdown", "qmreset", "qmstart"]


@pytest.mark.real
def test_kvm_creates_and_deletes(host, node, guest, folder):
    guest.remove()
    run = assert_ok(play(host, folder, "small_machine.yml", node=node, vmid=guest.vmid, pool=POOL,
                         smbios=mark(guest.vmid)))
    assert run.changed("Create") and not run.changed("Create again")
    assert guest.config()["name"] == "foreign-small"
    assert guest.vmid in [member["vmid"] for member in data(host, f"/pools/{POOL}")["members"]]
    gone = assert_ok(play(host, folder, "virtual_machine_gone.yml", vmid=guest.vmid))
    assert gone.changed("Delete") and not gone.changed("Delete again")
    assert guest.state() is None


def test_kvm_creates_from_nothing_and_makes_a_template(site, folder):
    run = assert_ok(play(site, folder, "new_machine.yml", node="pve", vmid=202, guest_name="foreign-new",
                         storage="local-lvm", pool="foreign"))
    assert run.changed("Create") and run.changed("Make it a template")
    deadline = time.monotonic() + 120
    while "base-202-disk" not in config(site, 202)["scsi0"] and time.monotonic() < deadline:
        time.sleep(0.2)
    found = config(site, 202)
    assert found["template"] == 1
    assert found["scsi0"].startswith("local-lvm:base-202-disk-") and found["scsi0"].endswith(",discard=on,size=4G")
    assert found["efidisk0"].startswith("local-lvm:base-202-disk-")
    assert [member["vmid"] for member in data(site, "/pools/foreign")["members"]] == [202]


# -- proxmox_disk, proxmox_nic -------------------------------------------------------------------------------------


@pytest.mark.real
def test_disk_module(host, node, guest, folder, storage):
    guest.remake(scsi0=f"{storage}:1")
    run = assert_ok(play(host, folder, "disks.yml", vmid=guest.vmid, storage=storage))
    assert run.changed("Add") and run.changed("Grow") and not run.changed("Grow again")
    assert run.changed("Detach") and run.changed("Remove the detached one")
    assert not run.changed("Remove again")
    assert "scsi1" not in guest.config() and "unused0" not in guest.config()
    tasks = [task["type"] for task in data(host, f"/nodes/{node}/tasks", vmid=guest.vmid)]
    assert {"qmconfig", "resize"} <= set(tasks)


@pytest.mark.emulator_only("it moves a disk to a second storage")
def test_disk_module_moves_to_another_storage(site, folder):
    vmid = clone(site, 203, "foreign-disks")
    assert site.call("POST", "/storage", storage="second", type="dir", path="/srv/second", content="images").ok
    volume = config(site, vmid)["scsi0"].partition(",")[0]
    run = assert_ok(play(site, folder, "move_disk.yml", vmid=vmid, other_storage="second"))
    assert run.changed("Move")
    assert config(site, vmid)["scsi0"].startswith("second:")
    assert volume not in [one["volid"] for one in data(site, "/nodes/pve/storage/local-lvm/content")]
    assert "qmmove" in [task["type"] for task in data(site, "/nodes/pve/tasks", vmid=vmid)]


@pytest.mark.real
def test_nic_module(host, guest, folder):
    run = assert_ok(play(host, folder, "network_devices.yml", vmid=guest.vmid))
    assert run.changed("Add") and not run.changed("Add again")
    assert run.changed("Change") and run.changed("Remove") and not run.changed("Remove again")
    assert "net1" not in guest.config() and "net0" in guest.config()


# -- proxmox_template ----------------------------------------------------------------------------------------------


def test_template_module_downloads_and_checks(site, folder, tmp_path):
    image = tmp_path / "debian.qcow2"
    image.write_bytes(b"QFI\xfb" + os.urandom(100_000))
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    with serve(tmp_path) as url:
        run = assert_ok(play(site, folder, "images.yml", node="pve", url=f"{url}/debian.qcow2", sha256=digest))
    assert run.changed("Download") and not run.changed("Download again")
    assert run.changed("Download by force without a checksum")
    assert "local:import/debian.qcow2" in str(run.results["List"])
    assert run.changed("Remove") and not run.changed("Remove again")
    assert data(site, "/nodes/pve/storage/local/content", content="import") == []


# -- facts ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(site) -> Iterator[int]:
    """A guest that is up: its agent answers and the listings know its name."""
    vmid = clone(site, 205, "foreign-up")
    node = f"/nodes/pve/qemu/{vmid}"
    assert site.call("PUT", f"{node}/config", ipconfig0="ip=192.0.2.77/24", tags="web;blue").ok
    assert site.call("PUT", "/pools/foreign", vms=vmid).ok
    assert site.wait(site.call("POST", f"{node}/status/start").json()["data"]) == "OK"
    deadline = time.monotonic() + 120
    while not site.call("GET", f"{node}/agent/network-get-interfaces").ok and time.monotonic() < deadline:
        time.sleep(0.2)
    yield vmid


def test_information_modules(site, folder, running):
    run = assert_ok(play(site, folder, "facts.yml", node="pve", vmid=running))
    machines = {one["vmid"]: one for one in run.results["Machines"]["proxmox_vms"]}
    assert machines[9000]["template"] is True and machines[running]["status"] == "running"
    assert machines[running]["config"]["tags"] == "blue;web"
    (one,) = run.results["One machine and its network"]["proxmox_vms"]
    addresses = [address["ip-address"] for nic in one["network"] for address in nic["ip-addresses"]]
    assert "192.0.2.77" in addresses and "127.0.0.1" in addresses
    (node,) = run.results["Nodes"]["proxmox_nodes"]
    assert (node["node"], node["status"]) == ("pve", "online") and node["ssl_fingerprint"].count(":") == 31
    assert not run.changed("Node is online")
    assert {"local", "local-lvm"} <= {one["storage"] for one in run.results["Storages"]["proxmox_storages"]}


def test_access_modules(site, folder):
    run = assert_ok(play(site, folder, "access.yml"))
    assert run.changed("Pool") and not run.changed("Pool again")
    assert run.changed("Permission") and not run.changed("Permission again")
    assert data(site, "/access/users/ops@pve")["groups"] == ["operators"]
    assert {"path": "/pool/scratch", "roleid": "PVEVMAdmin", "type": "group", "ugid": "operators",
            "propagate": 1} in data(site, "/access/acl")
    assert [one["storage"] for one in data(site, "/pools/scratch")["members"]] == ["local"]


# -- the inventory plugin ------------------------------------------------------------------------------------------


def test_inventory_plugin_sees_guests_facts_pools_and_nodes(site, folder, running):
    found = inventory(site, folder, "all.proxmox.yml")
    up = found["_meta"]["hostvars"]["foreign-up"]
    assert up["proxmox_vmid"] == running and up["proxmox_status"] == "running"
    assert up["ansible_host"] == "192.0.2.77"
    assert up["proxmox_net0"]["bridge"] == "vmbr0"
    assert "foreign-up" in found["proxmox_pool_foreign"]["hosts"]
    assert "foreign-up" in found["proxmox_all_running"]["hosts"] and "foreign-up" in found["tagweb"]["hosts"]
    assert found["proxmox_nodes"]["hosts"] == ["pve"]
    assert "ubuntu-2204-template" not in found["_meta"]["hostvars"]
