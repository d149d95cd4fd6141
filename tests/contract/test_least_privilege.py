"""The privileges of facts/proxmox 1.4 are enough for the whole life of a machine, and no more."""

from __future__ import annotations

import time

import pytest

from tests.contract.machines import Api
from tests.contract.scratch import Guest

pytestmark = pytest.mark.emulator_only("it clones a template that the token does not see on a real host")

PRIVILEGES = ("VM.Allocate,VM.Audit,VM.PowerMgmt,VM.Config.CPU,VM.Config.Memory,VM.Config.Disk,VM.Config.CDROM,"
              "VM.Config.Network,VM.Config.HWType,VM.Config.Options,VM.Config.Cloudinit,VM.GuestAgent.Audit,"
              "VM.GuestAgent.FileRead,Pool.Audit")


@pytest.fixture(scope="module")
def small(make_pve):
    """A token with separated privileges; user and token are both granted what 1.4 lists."""
    pve = make_pve(with_template=True)
    admin = Api(pve)
    admin.post("/pools", poolid="ours")
    admin.post("/access/users", userid="ci@pve")
    secret = admin.post("/access/users/ci@pve/token/run")["value"]
    admin.post("/access/roles", roleid="Machines", privs=PRIVILEGES)
    admin.post("/access/roles", roleid="Space", privs="Datastore.AllocateSpace,Datastore.Audit")
    for path, role in (("/pool/ours", "Machines"), ("/vms/9000", "PVETemplateUser"), ("/storage/local-lvm", "Space"),
                       ("/sdn/zones/localnetwork/vmbr0", "PVESDNUser")):
        admin.put("/access/acl", path=path, users="ci@pve", tokens="ci@pve!run", roles=role)
    return Api(pve, f"ci@pve!run={secret}")


def test_a_machine_is_made_used_and_destroyed(small):
    small.clone(201, pool="ours", name="m1")
    small.post("201/config", cores=2, memory=2048, net0="virtio,bridge=vmbr0,mtu=1500", scsi1="local-lvm:5",
               ipconfig0="ip=192.168.0.21/24", ciuser="ubuntu", description="ours", tags="a", onboot=1,
               agent="enabled=1", serial0="socket", vga="serial0", background_delay=20)
    small.run(small.put("201/resize", disk="scsi0", size="12G"))
    small.run(small.post("/nodes/pve/startall", vms="201", force=1))
    deadline = time.monotonic() + 120
    while not small.pve.call("GET", "/nodes/pve/qemu/201/agent/network-get-interfaces", small.session).ok:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert small.get("201/agent/file-read", file="/etc/ssh/ssh_host_ed25519_key.pub")["content"].startswith("ssh-")
    assert {row["vmid"] for row in small.get("/cluster/resources", type="vm")} == {201, 9000}
    small.run(small.post("201/status/shutdown", timeout=60, forceStop=1))
    small.remove(201)


@pytest.mark.parametrize("options", [{"newid": 202}, {"newid": 202, "pool": "theirs"}])
def test_outside_its_pool_it_may_make_nothing(small, options):
    assert small.refused("POST", "9000/clone", **options) == (403, "Permission check failed")


def test_the_template_is_not_its_own(small):
    assert small.refused("PUT", "9000/config", cores=2)[0] == 403
    assert small.refused("DELETE", "9000")[0] == 403


@pytest.fixture(scope="module")
def bounded(request, real, host, scratch):
    """(requests with few privileges, a guest that they are for): on a real host the token is to be such a one."""
    if real:
        return Api(host), scratch
    small = request.getfixturevalue("small")
    small.clone(203, pool="ours")
    return small, Guest(small, 203)


@pytest.mark.real
@pytest.mark.parametrize(("method", "below", "options", "path", "privilege"), [
    ("PUT", "config", {"net0": "virtio,bridge=vmbr9"}, "/sdn/zones/localnetwork/vmbr9", "SDN.Use"),
    ("PUT", "config", {"scsi5": "local:1"}, "/storage/local", "Datastore.AllocateSpace"),
    ("PUT", "config", {"startup": "order=1"}, "/", "Sys.Modify"),
    ("POST", "agent/exec", {"command": ["true"]}, "/vms/{vmid}", "VM.GuestAgent.Unrestricted"),
])
def test_what_it_was_not_given(request, real, bounded, method, below, options, path, privilege):
    api, own = bounded
    if real:
        request.getfixturevalue("guest")
    path = path.format(vmid=own.vmid)
    if privilege in api.get("/access/permissions", path=path).get(path, {}):
        pytest.skip(f"the token has {privilege} on {path}")
    assert own.refused(method, below, **options) == (403, f"Permission check failed ({path}, {privilege})")
