"""Power and the guest agent (facts/proxmox 1.3 start/stop, guest agent, net)."""

from __future__ import annotations

import time

import pytest

from tests.contract.machines import Api

pytestmark = pytest.mark.emulator_only("it needs a guest with a system in it, a bridge, a fault or other guests")


@pytest.fixture(scope="module")
def shared_pve(make_pve):
    return make_pve(with_template=True)


@pytest.fixture
def api(pve):
    return Api(pve)


def until_agent(api, vmid, seconds=120):
    deadline = time.monotonic() + seconds
    while not api.pve.call("POST", f"/nodes/pve/qemu/{vmid}/agent/ping", api.session).ok:
        assert time.monotonic() < deadline, f"the agent of {vmid} never answered"
        time.sleep(0.1)


@pytest.mark.real
def test_start_is_no_error_only_once(running):
    vmid = running.vmid
    assert running.get("status/current")["status"] == "running"
    assert running.api.ends(running.post("status/start")) == f"VM {vmid} already running"
    assert running.refused("DELETE") == (500, f"VM {vmid} is running - destroy failed")
    running.stop()
    running.stop()
    assert running.get("status/current")["status"] == "stopped"


def test_a_template_does_not_start(api):
    assert api.ends(api.post("9000/status/start")) == "you can't start a vm if it's a template"


@pytest.mark.parametrize(("net", "end"), [
    ("virtio,bridge=vmbr0,mtu=9000", "netdev net0: MTU '9000' is bigger than the bridge MTU '1500'"),
    ("virtio,bridge=vmbr0,mtu=500", "netdev net0: MTU '500' is smaller than the IP minimum MTU '576'"),
    ("virtio,bridge=vmbr7", "start failed: QEMU exited with code 1"),
])
def test_a_network_device_that_cannot_be_fails_the_start_not_the_change(api, net, end):
    if not any(row["vmid"] == 102 for row in api.get("/nodes/pve/qemu")):
        api.blank(102)
    api.change(102, net0=net)
    assert api.ends(api.post("102/status/start")) == end


@pytest.mark.real
def test_more_cpus_than_the_host_has(audits, guest, node):
    (row,) = [row for row in guest.api.get("/nodes") if row["node"] == node]
    guest.remake(cores=row["maxcpu"] + 1)
    assert guest.api.ends(guest.post("status/start")) == f"MAX {row['maxcpu']} vcpus allowed per VM on this node"
    guest.change(cores=1)


@pytest.mark.real
def test_a_stopped_guest_has_no_agent(guest):
    guest.change(agent="enabled=1")
    assert guest.refused("GET", "agent/network-get-interfaces") == (500, f"VM {guest.vmid} is not running")


@pytest.mark.real
def test_a_guest_without_a_system_has_an_agent_that_does_not_run(may_start, guest):
    guest.change(agent="enabled=1")
    guest.start()
    assert guest.refused("POST", "agent/ping") == (500, "QEMU guest agent is not running")


def test_the_agent_says_what_cloudinit_was_told(api, pve):
    api.clone(104, name="talks")
    api.change(104, ipconfig0="ip=192.168.0.14/24,gw=192.168.0.1")
    assert api.refused("POST", "104/agent/ping") == (500, "VM 104 is not running")
    pve.fault("agent_never_up", vmid=104)  # a boot takes a second here, which a busy machine may sleep through
    api.start(104)
    assert api.refused("POST", "104/agent/ping") == (500, "QEMU guest agent is not running")
    pve.clear_faults()
    until_agent(api, 104)
    found = {entry["name"]: entry for entry in api.get("104/agent/network-get-interfaces")["result"]}
    assert {"lo", "eth0"} == set(found)
    addresses = [(one["ip-address"], one["prefix"]) for one in found["eth0"]["ip-addresses"]]
    assert addresses[0] == ("192.168.0.14", 24) and addresses[1][0].startswith("fe80::")
    assert found["eth0"]["hardware-address"] in api.config(104)["net0"].lower()
    assert api.get("104/agent/get-host-name")["result"]["host-name"] == "talks"


def test_host_keys_are_stable_until_the_machine_is_made_anew(api):
    def key():
        api.clone(105)
        api.start(105)
        until_agent(api, 105)
        return api.get("105/agent/file-read", file="/etc/ssh/ssh_host_ed25519_key.pub")["content"]

    first = key()
    assert first.startswith("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5")
    api.run(api.post("105/status/reboot"))
    until_agent(api, 105)
    assert api.get("105/agent/file-read", file="/etc/ssh/ssh_host_ed25519_key.pub")["content"] == first
    api.stop(105)
    api.remove(105)
    assert key() != first


def test_programs_run_through_the_agent(api):
    api.clone(106, name="runs")
    api.start(106)
    until_agent(api, 106)
    pid = api.post("106/agent/exec", command=["hostname"])["pid"]
    assert api.get("106/agent/exec-status", pid=pid) == {"exited": 1, "exitcode": 0, "out-data": "runs\n"}
    status, text = api.refused("GET", "106/agent/file-read", file="/nothing")
    assert status == 500 and text.startswith("Agent error: ")
    assert api.get("106/agent/file-read", file="/etc/hostname", count=2) == {
        "content": "ru", "bytes-read": 2, "truncated": 1}


@pytest.mark.real
def test_without_agent_option_there_is_no_agent(guest):
    guest.remake()
    assert guest.refused("GET", "agent/info") == (500, "No QEMU guest agent configured")


@pytest.mark.real
def test_shutdown_needs_a_system_that_listens(running):
    assert running.api.ends(running.post("status/shutdown", timeout=1)) == "VM quit/powerdown failed - got timeout"
    running.api.run(running.post("status/shutdown", timeout=1, forceStop=1))
    assert running.get("status/current")["status"] == "stopped"
    assert running.refused("POST", "status/reboot") == (500, f"VM {running.vmid} not running")


@pytest.mark.real
def test_stop_can_overrule_a_shutdown(running):
    upid = running.post("status/shutdown")
    running.api.run(running.post("status/stop", **{"overrule-shutdown": 1}))
    assert running.api.ends(upid) == "received interrupt"


@pytest.mark.emulator_only("a host that overlooked `vms` would start the guests of others")
def test_startall_starts_each_in_a_task_of_its_own(api):
    for vmid in (120, 121, 122):
        api.blank(vmid, net0="virtio,bridge=vmbr9" if vmid == 121 else "virtio,bridge=vmbr0")
    upid = api.post("/nodes/pve/startall", vms="120,121,122", force=1)
    assert api.ends(upid) == "WARNINGS: 1"
    assert "WARN: Starting VM 121 failed: start failed: QEMU exited with code 1" in api.log(upid)
    states = {vmid: api.get(f"{vmid}/status/current")["status"] for vmid in (120, 121, 122)}
    assert states == {120: "running", 121: "stopped", 122: "running"}
    children = {task["id"] for task in api.get("/nodes/pve/tasks", typefilter="qmstart", limit=200)}
    assert {"120", "121", "122"} <= children
    api.run(api.post("/nodes/pve/stopall", vms="120,122", timeout=1))
    assert api.get("122/status/current")["status"] == "stopped"


@pytest.mark.emulator_only("a host that overlooked `vms` would start the guests of others")
def test_startall_passes_over_guests_that_are_not_for_boot(api):
    api.blank(123)
    api.run(api.post("/nodes/pve/startall", vms="123"))
    assert api.get("123/status/current")["status"] == "stopped"


@pytest.mark.emulator_only("a host that overlooked `vms` would start the guests of others")
def test_startall_asks_the_manager_of_guests_under_ha_and_only_of_those_it_names(api, pve):
    for vmid in (132, 133):
        api.blank(vmid, onboot=1)
        pve.lab("PUT", "/lab/guests", {"vmid": vmid, "ha": True})
    pve.fault("task_hold", task="qmstart", vmid=132)
    api.run(api.post("/nodes/pve/startall", vms="132"))
    api.run(api.post("/nodes/pve/startall"))
    asked = [task["id"] for task in api.get("/nodes/pve/tasks", typefilter="hastart", source="all", limit=200)]
    assert [vmid for vmid in asked if vmid in ("132", "133")] == ["132"]
    assert api.get("132/status/current")["status"] == "stopped"
    pve.clear_faults()
    deadline = time.monotonic() + 120
    while api.get("132/status/current")["status"] != "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    api.run(api.post("/nodes/pve/stopall", vms="132", timeout=1))
    stops = [task["id"] for task in api.get("/nodes/pve/tasks", typefilter="hastop", source="all", limit=200)]
    assert "132" in stops and api.get("133/status/current")["status"] == "stopped"


def test_bulk_start_takes_an_array(api):
    api.blank(124)
    api.blank(125)
    api.run(api.post("/cluster/bulk-action/guest/start", vms=[124, 125]))
    assert api.get("125/status/current")["status"] == "running"


def test_faults_of_guests(api, pve):
    api.clone(126)
    pve.fault("agent_never_up", vmid=126)
    api.start(126)
    time.sleep(2)
    assert api.refused("POST", "126/agent/ping") == (500, "QEMU guest agent is not running")
    pve.clear_faults()
    until_agent(api, 126)


def test_guests_outlive_the_emulator(make_pve):
    pve = make_pve(with_template=True)
    api = Api(pve)
    api.clone(101)
    api.start(101)
    pve.kill()
    pve.restart()
    api = Api(pve)
    assert api.get("101/status/current")["status"] == "running"
    until_agent(api, 101)


def test_a_guest_under_ha_is_only_asked_for(api, pve):
    """facts/proxmox 1.3: hastart and hastop end at once, the guest follows later."""
    api.blank(130)
    pve.lab("PUT", "/lab/guests", {"vmid": 130, "ha": True})
    pve.fault("task_hold", task="qmstart", vmid=130)
    upid = api.post("130/status/start")
    assert ":hastart:" in upid
    api.run(upid)
    assert api.get("130/status/current")["status"] == "stopped"
    pve.clear_faults()
    deadline = time.monotonic() + 120
    while api.get("130/status/current")["status"] != "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ":hastop:" in api.post("130/status/stop")


def test_a_strangers_guest_is_there_like_any_other(api, pve):
    pve.lab("POST", "/lab/guests", {"vmid": 140, "config": {"name": "theirs", "cores": 2}})
    assert api.config(140)["name"] == "theirs"
    assert api.refused("GET", "/cluster/nextid", vmid=140)[0] == 400


def test_a_guest_that_never_boots_only_runs(api, pve):
    api.clone(150)
    pve.fault("boot_failure", vmid=150)
    api.start(150)
    time.sleep(2)
    assert api.get("150/status/current")["status"] == "running"
    assert api.refused("POST", "150/agent/ping") == (500, "QEMU guest agent is not running")
    assert api.ends(api.post("150/status/shutdown", timeout=1)) == "VM quit/powerdown failed - got timeout"
