"""The node's network (facts/proxmox 1.3 node network)."""

from __future__ import annotations

import pytest

from tests.contract.machines import Api

pytestmark = pytest.mark.emulator_only("it changes the node's network")

NETWORK = "/nodes/pve/network"
BRIDGE = {"type": "bridge", "cidr": "10.0.0.2/24", "mtu": 9000, "autostart": 1}


@pytest.fixture
def api(pve):
    api = Api(pve)
    yield api
    if any(row["iface"] == "vmbr1" for row in api.get(NETWORK)):
        api.delete(f"{NETWORK}/vmbr1")
        api.run(api.put(NETWORK))


def names(api):
    return {row["iface"] for row in api.get(NETWORK)}


def changes(api):
    return api.pve.call("GET", NETWORK, api.session).json().get("changes")


def test_a_bridge_is_pending_until_it_is_applied(api):
    assert changes(api) is None
    api.post(NETWORK, iface="vmbr1", **BRIDGE)
    assert "+iface vmbr1 inet static" in changes(api) and "+\tmtu 9000" in changes(api)
    row = next(row for row in api.get(NETWORK) if row["iface"] == "vmbr1")
    assert row["address"] == "10.0.0.2" and row["mtu"] == 9000 and "active" not in row
    upid = api.put(NETWORK)
    assert ":srvreload:networking:" in upid
    api.run(upid)
    assert changes(api) is None
    assert next(row for row in api.get(NETWORK) if row["iface"] == "vmbr1")["active"] == 1


def test_pending_changes_can_be_dropped(api):
    api.post(NETWORK, iface="vmbr1", **BRIDGE)
    api.delete(NETWORK)
    assert "vmbr1" not in names(api) and changes(api) is None


def test_a_change_replaces_all_options(api):
    api.post(NETWORK, iface="vmbr1", comments="mine", **BRIDGE)
    api.put(f"{NETWORK}/vmbr1", type="bridge", autostart=1)
    entry = api.get(f"{NETWORK}/vmbr1")
    assert entry["type"] == "bridge" and entry["method"] == "manual" and "mtu" not in entry and "cidr" not in entry


@pytest.mark.parametrize(("method", "path", "options", "text"), [
    ("POST", NETWORK, {"iface": "vmbr0", **BRIDGE}, "iface: interface already exists"),
    ("PUT", f"{NETWORK}/vmbr7", BRIDGE, "iface: interface does not exist"),
    ("DELETE", f"{NETWORK}/vmbr7", {}, "iface: interface does not exist"),
    ("GET", f"{NETWORK}/vmbr7", {}, "iface: interface does not exist"),
    ("POST", NETWORK, {"iface": "vmbr1", **BRIDGE, "gateway": "10.0.0.1"},
     "gateway: Default gateway already exists on interface 'vmbr0'."),
    ("POST", NETWORK, {"iface": "vmbr1", "type": "bridge", "bridge_ports": "nope0"},
     "bridge_ports: vmbr1 - bridge port 'nope0' does not exist"),
    ("POST", NETWORK, {"iface": "vmbr1", "type": "bridge", "mtu": 70000},
     "mtu: value must have a maximum value of 65520"),
])
def test_what_is_wrong_is_named(api, method, path, options, text):
    assert api.refused(method, path, **options) == (400, text)


def test_bridges_are_hidden_from_who_may_not_use_them(api, pve):
    api.post("/access/users", userid="net@pve")
    secret = api.post("/access/users/net@pve/token/tok", privsep=0)["value"]
    api.put("/access/acl", path="/nodes", users="net@pve", roles="PVEAuditor")
    small = Api(pve, f"net@pve!tok={secret}")
    assert names(small) == {"eno1"}
    api.put("/access/acl", path="/sdn/zones/localnetwork", users="net@pve", roles="PVESDNUser")
    assert names(small) == {"eno1", "vmbr0"}


def test_a_guest_sees_the_bridge_in_force(api):
    api.blank(100, net0="virtio,bridge=vmbr1,mtu=9000")
    assert api.ends(api.post("100/status/start")) == "start failed: QEMU exited with code 1"
    api.post(NETWORK, iface="vmbr1", **BRIDGE)
    assert api.ends(api.post("100/status/start")) == "start failed: QEMU exited with code 1"
    api.run(api.put(NETWORK))
    api.start(100)
    api.stop(100)
    api.change(100, net0="virtio,bridge=vmbr1,mtu=9001")
    assert api.ends(api.post("100/status/start")) == "netdev net0: MTU '9001' is bigger than the bridge MTU '9000'"
