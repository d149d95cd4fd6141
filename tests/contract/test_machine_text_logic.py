"""Pure parts of the emulator's machines: property strings, drives, networks, the file and its digest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.pve.qemu import cloudinit, drives, nets, options, propstring, text

pytestmark = pytest.mark.emulator_only("pure functions of the emulator: no host is asked")

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.:", min_size=1, max_size=12)


@given(st.dictionaries(WORDS.filter(lambda word: word != "file"), WORDS, max_size=6), WORDS)
def test_a_property_string_survives_parsing(values, bare):
    written = propstring.show({"file": bare, **values}, "file")
    assert propstring.parse(written, "file") == {"file": bare, **values}
    assert propstring.show(propstring.parse(written, "file"), "file") == written


@given(st.integers(min_value=1, max_value=2**50))
def test_a_size_is_written_without_loss(size):
    assert propstring.parse_size(propstring.show_size(size)) == size


@pytest.mark.parametrize(("size", "written"), [(20 * 2**30, "20G"), (528 * 1024, "528K"), (3584 * 2**20, "3584M"),
                                               (2**40, "1T"), (4 * 2**20, "4M")])
def test_sizes_are_written_as_pve_does(size, written):
    assert propstring.show_size(size) == written


def test_merging_keeps_the_other_keys():
    assert propstring.merge("a=1,b=2", {"b": "3", "a": None}) == "b=3"


def test_a_network_device_keeps_its_address_in_front():
    assert nets.show(nets.parse("bridge=vmbr0,virtio=bc:24:11:00:00:01,tag=5")) == (
        "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=5")


def test_a_network_device_without_address_gets_one_of_proxmox():
    assert nets.parse(nets.with_mac("virtio,bridge=vmbr0"))["macaddr"].startswith("BC:24:11:")


def test_a_drive_is_written_with_its_volume_first_and_booleans_as_numbers():
    drive = drives.parse("scsi0", "ssd=on,file=local-lvm:vm-1-disk-0,discard=on,backup=no")
    assert drive.show() == "local-lvm:vm-1-disk-0,backup=0,discard=on,ssd=1"


def test_a_cloudinit_drive_is_known_by_its_volume():
    for name in ("local-lvm:vm-101-cloudinit", "local:101/vm-101-cloudinit.qcow2", "local:cloudinit"):
        assert drives.parse("ide2", name).is_cloudinit
    assert not drives.parse("scsi0", "local-lvm:vm-101-disk-0").is_cloudinit


@given(st.dictionaries(WORDS, WORDS, max_size=5), st.dictionaries(WORDS, WORDS, max_size=3), WORDS)
def test_the_digest_follows_every_change(config, pending, other):
    def digest(*parts):
        return text.digest(text.show(*parts))

    before = digest(config, pending, {}, {})
    assert len(before) == 40
    assert digest(dict(reversed(config.items())), pending, {}, {}) == before
    assert digest({**config, "k e y": other}, pending, {}, {}) != before
    assert digest(config, {**pending, "k e y": other}, {}, {}) != before
    assert digest(config, pending, {"k e y": 1}, {}) != digest(config, pending, {"k e y": 0}, {})


def test_the_file_has_its_sections_in_order():
    shown = text.show({"name": "m", "cores": "2", "description": "100 % sure\nä"}, {"cores": "4"},
                      {"net1": 0, "scsi1": 1}, {"ciuser": "u"})
    assert shown == ("#100 %25 sure\n#%C3%A4\ncores: 2\nname: m\n\n[PENDING]\ncores: 4\ndelete: net1,!scsi1\n"
                     "\n[special:cloudinit]\nciuser: u\n")


@pytest.mark.parametrize(("key", "old", "new", "at_once"), [
    ("name", "a", "b", True), ("description", None, "x", True), ("tags", "a", None, True),
    ("ipconfig0", None, "ip=dhcp", True),
    ("sshkeys", "a", "b", True), ("cores", "2", "4", False), ("memory", "512", "1024", False),
    ("machine", None, "q35", False),
    ("net1", None, "virtio,bridge=vmbr0", True), ("net0", "virtio=A,bridge=a", "virtio=A,bridge=b", True),
    ("net0", "virtio=A,bridge=a", "virtio=A,bridge=a,mtu=9000", True), ("scsi1", None, "s:vm-1-disk-1", True),
    ("ide0", None, "s:vm-1-disk-1", False), ("sata1", "s:vm-1-disk-1", None, False),
    ("scsi1", "s:v,size=1G", "s:v,size=1G,ssd=1", False),
    ("agent", "enabled=1", "enabled=1,fstrim_cloned_disks=1", True),
    ("agent", "enabled=0", "enabled=1", False), ("agent", None, "enabled=1", False), ("vga", "std", "serial0", False),
])
def test_what_a_running_machine_takes_over(key, old, new, at_once):
    """The fast-plug set, hotplug by default for net and disk, the rest pending. A card with another MTU is taken out and
    put in again (qemu-server 9.2.6)."""
    assert options.applies_while_running(key, old, new, {}) is at_once


def test_hotplug_can_be_switched_off():
    assert not options.applies_while_running("net1", None, "virtio,bridge=vmbr0", {"hotplug": "0"})
    other_mtu = ("net0", "virtio=A,bridge=a", "virtio=A,bridge=a,mtu=9000")
    assert not options.applies_while_running(*other_mtu, {"hotplug": "disk"})


CONFIG = {"name": "k8s-master", "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0",
          "ipconfig0": "ip=192.168.0.11/24,gw=192.168.0.1",
          "net1": "virtio=BC:24:11:00:00:02,bridge=vmbr1", "ipconfig1": "ip=10.0.0.11/24,ip6=fd00::b/64",
          "ciuser": "ubuntu", "sshkeys": "ssh-ed25519%20AAAA%2Bx%20me%40here", "nameserver": "192.168.0.2",
          "searchdomain": "detectviz.internal", "ciupgrade": "0"}


def test_user_data_as_pve_writes_it():
    assert cloudinit.user_data(CONFIG, 111) == (
        "#cloud-config\nhostname: k8s-master\nmanage_etc_hosts: true\nfqdn: k8s-master.detectviz.internal\n"
        "user: ubuntu\n"
        "ssh_authorized_keys:\n  - ssh-ed25519 AAAA+x me@here\nchpasswd:\n  expire: False\nusers:\n  - default\n"
        "package_upgrade: false\n")


def test_network_config_as_pve_writes_it():
    assert cloudinit.network_config(CONFIG) == (
        "version: 1\nconfig:\n    - type: physical\n      name: eth0\n      mac_address: 'bc:24:11:00:00:01'\n"
        "      subnets:\n"
        "      - type: static\n        address: '192.168.0.11'\n        netmask: '255.255.255.0'\n"
        "        gateway: '192.168.0.1'\n    - type: physical\n      name: eth1\n"
        "      mac_address: 'bc:24:11:00:00:02'\n"
        "      subnets:\n      - type: static\n        address: '10.0.0.11'\n        netmask: '255.255.255.0'\n"
        "      - type: static6\n        address: 'fd00::b/64'\n    - type: nameserver\n      address:\n"
        "      - '192.168.0.2'\n      search:\n      - 'detectviz.internal'\n")


def test_the_instance_id_changes_only_with_the_data():
    seed = cloudinit.seed(CONFIG, 111)
    assert cloudinit.seed({**CONFIG, "cores": "8"}, 111) == seed
    assert cloudinit.seed({**CONFIG, "ciuser": "root"}, 111)["meta-data"] != seed["meta-data"]


def test_files_of_cicustom_stand_in_and_vendor_data_alone_makes_no_new_instance():
    seed = cloudinit.seed(CONFIG, 111)
    assert seed["vendor-data"] == ""
    assert cloudinit.seed(CONFIG, 111, custom={"vendor": "#cloud-config"}) == {**seed, "vendor-data": "#cloud-config"}
    own = cloudinit.seed(CONFIG, 111, custom={"user": "#cloud-config"})
    assert own["user-data"] == "#cloud-config" and own["meta-data"] != seed["meta-data"]


def test_a_gateway_without_address_is_left_out():
    assert "gateway" not in cloudinit.network_config({**CONFIG, "ipconfig0": "gw=192.168.0.1"})


def test_the_hosts_dns_stands_in():
    config = {key: value for key, value in CONFIG.items() if key not in ("nameserver", "searchdomain")}
    assert "- '9.9.9.9'" in cloudinit.network_config(config, {"servers": ["9.9.9.9"], "search": []})


@pytest.mark.parametrize("keys", ["hello", "ssh-ed25519%20AAAA%0Anot-a-key"])
def test_what_is_no_public_key_is_refused(keys):
    assert not cloudinit.valid_keys(keys)
