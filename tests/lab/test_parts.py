"""The lab's pure parts: what a site becomes, what a container is given, what the cloud image file is."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import yaml

from lab.cli.places import BadName, Places
from lab.cli.plan import SiteUnusable, plan
from lab.cli.site_overlay import OVERLAY, overlay, write_copy
from lab.nodes import oci, requirements, safety
from lab.nodes.cloud_image import publish, qcow2
from tests.lab.conftest import SITE

PROC_DEVICES = (
    "Character devices:\n  1 mem\n  4 tty\n 10 misc\n 21 sg\n136 pts\n\nBlock devices:\n  7 loop\n254 virtblk\n"
)
PROC_MISC = "200 tun\n130 watchdog\n237 loop-control\n"


def test_a_site_becomes_a_bridge_a_router_and_file_names() -> None:
    made = plan(SITE)
    assert (made.node, made.address, made.files_url) == ("proxmox", "192.168.0.2", "http://192.168.0.1:8080")
    assert (made.bridge.name, made.bridge.mtu, made.bridge.addresses) == ("vmbr0", 9000, ("192.168.0.2/24",))
    assert made.gateways == {"vmbr0": "192.168.0.1/24"}
    assert made.image_names == ("debian-12-template.qcow2",)


def test_a_network_without_a_router_gets_a_stand_in_at_its_end() -> None:
    site = {
        "proxmox_hosts": [{"name": "pve", "address": "10.1.0.9"}, {"name": "pve2", "address": "10.1.0.10"}],
        "networks": {"lan": {"cidr": "10.1.0.0/24", "bridge": "vmbr9"}},
    }
    made = plan(site)
    assert made.bridge.name == "vmbr9" and made.bridge.mtu == 1500
    assert made.bridge.addresses == ("10.1.0.9/24", "10.1.0.10/24")
    assert made.file_server == "10.1.0.254"


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ({}, "proxmox_hosts and networks"),
        ({"proxmox_hosts": [{"name": "a", "address": "10.9.0.1"}], "networks": SITE["networks"]}, "lies in no network"),
    ],
)
def test_a_site_the_lab_cannot_stand_on_is_refused(site: dict[str, object], said: str) -> None:
    with pytest.raises(SiteUnusable, match=said):
        plan(site)


def test_the_copy_of_a_site_differs_by_one_file_that_the_inventory_reads_too(tmp_path: Path) -> None:
    source = tmp_path / "inventory/small"
    (source / "group_vars/all").mkdir(parents=True)
    (source / "group_vars/all/site.yml").write_text(yaml.safe_dump(SITE))
    (source / "site.node_table.yml").write_text("plugin: detectviz.infra.node_table\npath: ../tables/machines.md\n")
    data = overlay(SITE, plan(SITE), "ab" * 32, ["ssh-ed25519 AAAA"], "ssh-ed25519 BBBB", tmp_path / "key")
    write_copy(source, tmp_path / "copy", data)
    options = yaml.safe_load((tmp_path / "copy/site.node_table.yml").read_text())
    assert options["site"] == ["group_vars/all/site.yml", str(OVERLAY)]
    assert options["path"] == [str(tmp_path / "inventory/tables/machines.md")]
    written = yaml.safe_load((tmp_path / "copy" / OVERLAY).read_text())
    assert written["templates"][0]["image"] == {
        "url": "http://192.168.0.1:8080/debian-12-template.qcow2", "checksum": "sha256:" + "ab" * 32,
    }  # fmt: skip
    assert written["proxmox_hosts"][0]["ssh_host_keys"] == ["ssh-ed25519 AAAA"]
    assert written["guest_defaults"]["ssh_keys"] == ["ssh-ed25519 BBBB"]
    assert written["dns"]["upstream"] == []
    assert (source / "group_vars/all/site.yml").read_text() == yaml.safe_dump(SITE)


@pytest.mark.parametrize("name", ["", "UP", "a b", "../x", "-x", "x" * 40])
def test_a_lab_name_that_could_reach_out_of_its_folder_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        Places.of(name)


def test_without_loop_devices_every_block_device_is_denied_for_reading_and_writing() -> None:
    rules = safety.device_rules(PROC_DEVICES, PROC_MISC)
    assert rules[0] == {"allow": True, "access": "rwm"}
    assert {"allow": False, "type": "b", "access": "rw"} in rules
    assert {"allow": False, "type": "c", "major": 21, "access": "rw"} in rules
    assert {"allow": False, "type": "c", "major": 10, "minor": 130, "access": "rw"} in rules
    assert {"allow": False, "type": "c", "major": 10, "minor": 237, "access": "rw"} in rules
    assert not any(rule.get("minor") == 200 for rule in rules)
    assert all(rule["access"] == "rw" for rule in rules[1:]), "denying mknod breaks container runtimes in the guest"


def test_with_a_loop_device_only_that_one_is_left_open() -> None:
    rules = safety.device_rules(PROC_DEVICES, PROC_MISC, loops=[5])
    assert {"allow": False, "type": "b", "access": "rw"} not in rules
    assert {"allow": False, "type": "b", "major": 254, "access": "rw"} in rules
    denied = {rule["minor"] for rule in rules if rule.get("major") == 7}
    assert denied == set(range(256)) - {5}


def test_a_guest_has_our_capabilities_but_the_dangerous_ones() -> None:
    held = safety.guest_capabilities((1 << 41) - 1)
    assert not set(safety.DROPPED_CAPABILITIES) & set(held)
    assert len(held) == len(safety.CAPABILITIES) - 4
    assert safety.guest_capabilities(1 << 12) == ["CAP_NET_ADMIN"]


def test_the_runtime_configuration_is_plain_data_with_the_guards_in_it() -> None:
    system = oci.System("g", Path("/r"), "/dvz-x/g", "u", [oci.Bind(Path("/s"), "/seed", True)], cores=2, memory_mb=64)
    config = json.loads(json.dumps(oci.runtime_config(system, oci.Machine(PROC_DEVICES, PROC_MISC, (1 << 41) - 1))))
    linux = config["linux"]
    assert {"type": "network"} in linux["namespaces"] and {"type": "cgroup"} in linux["namespaces"]
    assert "/proc/sys/kernel" in linux["readonlyPaths"] and "/proc/swaps" in linux["maskedPaths"]
    assert linux["resources"]["memory"] == {"limit": 64 * 2**20}
    assert linux["resources"]["cpu"] == {"quota": 200_000, "period": 100_000}
    sysfs = next(mount for mount in config["mounts"] if mount["destination"] == "/sys")
    assert "ro" in sysfs["options"]
    assert config["mounts"][-1]["options"][-1] == "ro"


def test_the_cloud_image_is_a_qcow2_disk_that_carries_its_recipe(tmp_path: Path) -> None:
    content = qcow2("some label", virtual_size=5 * 2**30)
    magic, version, _, _, cluster_bits, size = struct.unpack(">4sIQIIQ", content[:32])
    assert (magic, version, cluster_bits, size) == (b"QFI\xfb", 3, 16, 5 * 2**30)
    assert b"some label" in content
    assert qcow2("another") != qcow2("label")
    rootfs = tmp_path / "abc/rootfs"
    images = publish(tmp_path / "files", ["b.img", "a.qcow2"], rootfs)
    (checksum,) = images
    assert images[checksum] == str(rootfs)
    assert (tmp_path / "files/SHA256SUMS").read_text() == f"{checksum}  a.qcow2\n{checksum}  b.img\n"


def test_what_a_machine_lacks_is_told_at_once_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(requirements.MachineUnfit) as told:
        requirements.require()
    assert "apt-get install --yes" in str(told.value)
    for package in ("runc", "debootstrap", "iproute2", "util-linux"):
        assert package in str(told.value)
