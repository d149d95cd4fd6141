"""The official description: routes, checks of parameters with the known texts, property strings, answers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.pve import api
from lab.pve.registry import OPERATIONS
from lab.pve.schema.model import Schema
from lab.pve.schema.property_string import PropertyStringError, parse, parse_size, render, render_size
from lab.pve.schema.validate import check_value, perl_pattern

pytestmark = pytest.mark.emulator_only("pure functions of the emulator: no host is asked")

CONFIG = "/nodes/{node}/qemu/{vmid}/config"


@pytest.fixture(scope="module", params=["9.1", "9.2"])
def schema(request):
    return Schema.load(request.param)


def errors(schema, method, path, **values):
    return schema.check(schema.operation(method, path), values)[1]


def config_errors(schema, **values):
    return errors(schema, "POST", CONFIG, node="pve", vmid="100", **values)


def test_size_of_the_description(schema):
    assert len(schema.operations) == {"9.1": 649, "9.2": 675}[schema.version]


def test_every_handler_is_an_operation_of_some_release():
    api.load()
    known = {key for version in ("9.1", "9.2") for key in Schema.load(version).operations}
    assert set(OPERATIONS) <= known


@pytest.mark.parametrize(("path", "template", "values"), [
    ("/version", "/version", {}),
    ("/nodes/pve/qemu/100/config", CONFIG, {"node": "pve", "vmid": "100"}),
    ("/nodes/pve/storage/local/content/local:iso/a.iso", "/nodes/{node}/storage/{storage}/content/{volume}",
     {"node": "pve", "storage": "local", "volume": "local:iso/a.iso"}),
    ("/access/users/a@pve/token/x1", "/access/users/{userid}/token/{tokenid}", {"userid": "a@pve", "tokenid": "x1"}),
])
def test_routes(schema, path, template, values):
    assert schema.route(path) == (template, values)


@pytest.mark.parametrize("path", ["/", "/nope", "/nodes//qemu", "/version/x", "/nodes/pve/qemu/100/config/x"])
def test_no_route(schema, path):
    assert schema.route(path) is None


@pytest.mark.parametrize(("values", "text"), [
    ({"cores": "four"}, "type check ('integer') failed - got 'four'"),
    ({"cores": "0"}, "value must have a minimum value of 1"),
    ({"onboot": "True"}, "type check ('boolean') failed - got 'True'"),
    ({"bios": "bios"}, "value 'bios' does not have a value in the enumeration 'seabios, ovmf'"),
    ({"nonsense": "1"}, "property is not defined in schema and the schema does not allow additional properties"),
    ({"net32": "virtio"}, "property is not defined in schema and the schema does not allow additional properties"),
    ({"name": "not a name"}, "invalid format - value does not look like a valid DNS name\n"),
    ({"sshkeys": "ssh-ed25519 AAAA"}, "invalid format - invalid urlencoded string: ssh-ed25519 AAAA\n"),
    ({"digest": "x" * 41}, "value may only be 40 characters long"),
    ({"net0": "virtio,mtu=70000"},
     "invalid format - format error\nnet0.mtu: value must have a maximum value of 65520\n"),
    ({"net0": "virtio,bogus=1"}, "invalid format - invalid key in comma-separated list property: bogus\n"),
    ({"ipconfig0": "ip=300.0.0.1/24"},
     "invalid format - format error\nipconfig0.ip: invalid format - value does not look like a valid ipv4 network "
     "configuration\n"),
    ({"tags": "a;b c!"}, "invalid format - invalid characters in tag\n"),
])
def test_texts_of_the_checks(schema, values, text):
    assert config_errors(schema, **values) == {next(iter(values)): text}


@pytest.mark.parametrize("values", [
    {"net31": "virtio=BC:24:11:00:00:01,bridge=vmbr0,mtu=9000,tag=10,firewall=0"},
    {"scsi30": "local-lvm:250,discard=on,ssd=1,iothread=1"},
    {"scsi0": "local-lvm:0,import-from=local:import/x.qcow2"},
    {"ide2": "local-lvm:cloudinit"}, {"ide2": "none,media=cdrom"},
    {"efidisk0": "local-lvm:1,efitype=4m,pre-enrolled-keys=0"},
    {"ipconfig0": "ip=10.0.0.11/24,gw=10.0.0.1"}, {"ipconfig0": "ip=dhcp,ip6=auto"},
    {"agent": "enabled=1,fstrim_cloned_disks=1"}, {"agent": "1"}, {"cpu": "host"}, {"cpu": "x86-64-v2-AES,flags=+aes"},
    {"boot": "order=scsi0;ide2;net0"}, {"serial0": "socket", "vga": "serial0"}, {"memory": "8192"},
    {"startup": "order=1,up=30,down=60"}, {"tags": "dvz-site-lab;k8s"}, {"delete": "net1,ide2"},
    {"nameserver": "192.168.0.2 1.1.1.1"}, {"smbios1": "uuid=8d5a2c7e-52c3-4c1f-9c3a-0c1b2f7a1111"},
])
def test_what_our_guests_need_is_accepted(schema, values):
    assert config_errors(schema, **values) == {}


def test_all_errors_are_told_at_once(schema):
    assert set(config_errors(schema, cores="x", onboot="maybe", bogus="1")) == {"cores", "onboot", "bogus"}


def test_missing_and_required_parameters(schema):
    found = errors(schema, "POST", "/nodes/{node}/qemu/{vmid}/clone", node="pve", vmid="9000")
    assert found == {"newid": "property is missing and it is not optional"}
    found = errors(schema, "GET", "/pools", type="qemu")
    assert found == {"poolid": "missing property - 'type' requires this property"}


def test_values_are_typed(schema):
    typed, wrong = schema.check(schema.operation("POST", CONFIG), {"node": "pve", "vmid": "100", "cores": "4",
                                                                  "onboot": True, "memory": "8192"})
    assert wrong == {}
    assert (typed["vmid"], typed["cores"], typed["onboot"], typed["memory"]) == (100, 4, 1, "8192")


def test_one_value_is_a_list_of_one_where_a_list_is_wanted(schema):
    operation = schema.operation("POST", "/nodes/{node}/qemu/{vmid}/agent/exec")
    typed, wrong = schema.check(operation, {"node": "pve", "vmid": "100", "command": "id"})
    assert (wrong, typed["command"]) == ({}, ["id"])


def test_every_pattern_of_the_description_compiles(schema):
    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("pattern"), str):
                perl_pattern(node["pattern"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    for operation in schema.operations.values():
        walk(operation.parameters)
        walk(operation.returns)


def test_answers_are_checked(schema):
    good = {"version": "9.2.1", "release": "9.2", "repoid": "0123abcd"}
    assert schema.validate_returns("GET", "/version", good) == {}
    assert set(schema.validate_returns("GET", "/version", {"version": "9.2.1", "repoid": "xyz"})) == {
        "data.release", "data.repoid"}
    assert schema.validate_returns("POST", "/pools", {"not": "null"}) == {"data": "is not null"}
    assert "data" in schema.validate_returns("GET", "/version", None)


def fmt(schema, key):
    return schema.operation("POST", CONFIG).parameters["properties"][key]["format"]


@pytest.mark.parametrize(("key", "given_text", "canonical"), [
    ("net[n]", "model=virtio,macaddr=BC:24:11:00:00:01,mtu=9000,bridge=vmbr0,firewall=on",
     "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,mtu=9000"),
    ("net[n]", "bridge=vmbr0,virtio", "virtio,bridge=vmbr0"),
    ("scsi[n]", "size=20480M,discard=on,file=local-lvm:vm-100-disk-0,iothread=yes",
     "local-lvm:vm-100-disk-0,discard=on,iothread=1,size=20G"),
    ("agent", "1,fstrim_cloned_disks=true", "1,fstrim_cloned_disks=1"),
])
def test_property_strings_in_their_own_order(schema, key, given_text, canonical):
    fields = fmt(schema, key)
    assert render(parse(given_text, fields), fields) == canonical
    assert render(parse(canonical, fields), fields) == canonical


@pytest.mark.parametrize("text", ["virtio,e1000", "virtio=AA:BB:CC:00:00:01,model=e1000",
                                  "virtio,bridge=a,bridge=b", "x=1"])
def test_broken_property_strings(schema, text):
    with pytest.raises(PropertyStringError):
        parse(text, fmt(schema, "net[n]"))


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0, max_value=1 << 50))
def test_sizes_survive(size):
    assert parse_size(render_size(size)) == size


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["cores", "net0", "scsi1", "ipconfig0", "agent", "boot", "tags", "delete"]),
                       st.one_of(st.text(max_size=30), st.integers(), st.booleans(), st.lists(st.text(max_size=5)),
                                 st.none())))
def test_garbage_is_refused_not_crashed_on(values):
    operation = GARBAGE.operation("POST", CONFIG)
    typed, wrong = GARBAGE.check(operation, {"node": "pve", "vmid": "100", **values})
    assert bool(typed) != bool(wrong)


GARBAGE = Schema.load("9.2")


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
                    lambda inner: st.one_of(st.lists(inner, max_size=3),
                                            st.dictionaries(st.text(max_size=5), inner, max_size=3)),
                    max_leaves=8))
def test_any_answer_can_be_checked(data):
    found = {}
    check_value("data", data, GARBAGE.operation("GET", "/cluster/resources").returns, found)
    assert isinstance(found, dict)
