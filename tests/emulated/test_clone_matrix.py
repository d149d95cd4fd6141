"""The change matrix of docs/docsite/change_matrix.md: what each change of a row does to a guest that runs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.pve.process import Emulator
from tests.emulated.clone_runs import KEY, Site, row, write_snippet

CLOUD_INIT = {"user": "ubuntu", "ssh_keys": [KEY], "nameservers": ["192.0.2.53"]}
DATA = [{"name": "system", "size_gb": 20}, {"name": "data", "size_gb": 10}]
FIRST, GUESTS = 700, 17


class Running:
    """Seventeen running guests, made in one run; each test takes one of them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._ids = itertools.count(FIRST)
        made = site.run([row(FIRST + number, disks=DATA) for number in range(GUESTS)], cloud_init=CLOUD_INIT)
        assert not made.failed, made.message

    def take(self) -> int:
        return next(self._ids)

    def take_settled(self) -> int:
        """One that has run for a while: an uptime is up to ten seconds old, so a younger one may have read a change."""
        vm_id, deadline = self.take(), time.monotonic() + 120
        while self.site.pve.call("GET", f"/nodes/pve/qemu/{vm_id}/status/current").json()["data"]["uptime"] < 27:
            assert time.monotonic() < deadline, f"{vm_id} does not stay up"
            time.sleep(1)
        return vm_id

    def change(self, vm_id: int, reboot: str = "never", **changes: Any) -> Any:
        """Runs with a changed row and returns the outcome; then a second run must find nothing to do."""
        options = {"cloud_init": CLOUD_INIT, "reboot": reboot}
        wanted = [row(vm_id, **{"disks": DATA, **changes})]
        planned = self.site.run(wanted, check=True, **options)
        done = self.site.run(wanted, **options)
        if not done.failed:
            assert planned.guest(vm_id)["operations"] == done.guest(vm_id)["operations"]
            assert not self.site.run(wanted, **options).changed
        return done


@pytest.fixture(scope="module")
def running(pve_with_template: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    yield Running(Site(pve_with_template, Path(tmp_path_factory.mktemp("matrix")), "matrix"))


def network(vm_id: int, **changes: Any) -> list[dict[str, Any]]:
    return [{**row(vm_id)["networks"][0], **changes}]


@pytest.mark.parametrize("cores", [1, 4], ids=["fewer", "more"])
def test_cpus_need_a_reboot(running: Running, cores: int) -> None:
    vm_id = running.take()
    done = running.change(vm_id, cores=cores)
    assert done.effects(vm_id) == {"cores": "needs reboot"}
    assert done.guest(vm_id)["reboot_required"] and done.guest(vm_id)["reboot_keys"] == ["cores"]
    again = running.change(vm_id, cores=cores, reboot="when_needed")
    assert again.steps(vm_id) == ["reboot"]
    assert not running.change(vm_id, cores=cores).guest(vm_id)["reboot_required"]


def test_memory_needs_a_reboot_which_is_done_when_asked_for(running: Running) -> None:
    vm_id = running.take()
    done = running.change(vm_id, reboot="when_needed", memory_mb=4096)
    assert done.steps(vm_id) == ["config", "reboot"] and not done.guest(vm_id)["reboot_required"]
    current = running.site.pve.call("GET", f"/nodes/pve/qemu/{vm_id}/config?current=1").json()["data"]
    assert str(current["memory"]) == "4096"


def test_a_disk_grows_in_place(running: Running) -> None:
    vm_id = running.take()
    done = running.change(vm_id, disks=[{"name": "system", "size_gb": 24}, {"name": "data", "size_gb": 12}])
    assert done.effects(vm_id) == {"scsi0 size": "in place", "scsi1 size": "in place"}
    config = running.site.config(vm_id)
    assert "size=24G" in config["scsi0"] and "size=12G" in config["scsi1"]


def test_a_disk_is_added_in_place(running: Running) -> None:
    vm_id = running.take()
    done = running.change(vm_id, disks=[*DATA, {"name": "more", "size_gb": 3}])
    assert done.effects(vm_id) == {"scsi2": "in place"} and not done.guest(vm_id)["reboot_required"]
    assert len([name for name in running.site.volumes(vm_id) if "disk" in name]) == 4  # system, EFI, data, more


def test_a_disk_that_left_the_table_stays(running: Running) -> None:
    vm_id = running.take()
    done = running.change(vm_id, disks=DATA[:1])
    assert done.effects(vm_id) == {} and "disk scsi1" in done.guest(vm_id)["notes"][0]
    assert "scsi1" in running.site.config(vm_id)


def test_a_smaller_disk_is_refused(running: Running) -> None:
    vm_id = running.take()
    refused = running.change(vm_id, disks=[{"name": "system", "size_gb": 10}, DATA[1]])
    assert refused.failed and "has 20G, the table says 10G; a disk cannot shrink" in refused.message
    assert refused.writes() == {}


def test_a_disk_on_another_storage_is_refused(running: Running) -> None:
    vm_id = running.take()
    refused = running.change(vm_id, disks=[{**DATA[0], "storage": "local"}, DATA[1]])
    assert refused.failed and f"qm disk move {vm_id} scsi0 local --delete 1" in refused.message


def test_an_address_and_a_gateway_are_read_at_the_next_boot(running: Running) -> None:
    vm_id = running.take_settled()
    changed = network(vm_id, addresses=["127.9.200.1/16"], gateway="127.9.255.253")
    done = running.change(vm_id, networks=changed)
    assert done.effects(vm_id) == {"ipconfig0": "next boot"}
    stored = set(running.site.config(vm_id)["ipconfig0"].split(","))
    assert stored == {"ip=127.9.200.1/16", "gw=127.9.255.253"}
    later = running.change(vm_id, networks=changed)
    assert later.guest(vm_id)["reboot_keys"] == ["cloud-init"]
    assert running.change(vm_id, networks=changed, reboot="when_needed").steps(vm_id) == ["reboot"]
    assert not running.change(vm_id, networks=changed).guest(vm_id)["reboot_required"]


def test_a_vlan_tag_changes_in_place_and_the_mac_stays(running: Running) -> None:
    vm_id = running.take()
    mac = running.site.config(vm_id)["net0"].split(",")[0]
    done = running.change(vm_id, networks=network(vm_id, vlan_tag=20))
    assert done.effects(vm_id) == {"net0": "in place"} and not done.guest(vm_id)["reboot_required"]
    config = running.site.config(vm_id)["net0"]
    assert "tag=20" in config and config.startswith(mac)
    assert not running.change(vm_id).failed and "tag" not in running.site.config(vm_id)["net0"]


def test_an_mtu_changes_in_place_where_cards_may_be_plugged(running: Running) -> None:
    vm_id = running.take()
    done = running.change(vm_id, networks=network(vm_id, mtu=1400))
    assert done.effects(vm_id) == {"net0": "in place"} and not done.guest(vm_id)["reboot_required"]
    running.site.pve.call("PUT", f"/nodes/pve/qemu/{vm_id}/config", None, hotplug="disk,usb")
    done = running.change(vm_id, networks=network(vm_id, mtu=1300))
    assert done.effects(vm_id) == {"net0": "needs reboot"} and done.guest(vm_id)["reboot_keys"] == ["net0"]


def test_a_card_is_added_and_removed(running: Running) -> None:
    vm_id = running.take()
    second = {"bridge": "vmbr0", "addresses": ["dhcp"]}
    done = running.change(vm_id, networks=[*network(vm_id), second])
    assert set(done.effects(vm_id)) == {"net1", "ipconfig1"}
    removed = running.change(vm_id, networks=network(vm_id))
    assert set(removed.effects(vm_id)) == {"net1", "ipconfig1"} and "net1" not in running.site.config(vm_id)


def test_a_name_changes_and_reaches_the_guest_at_the_next_boot(running: Running) -> None:
    vm_id = running.take()
    done = running.change(vm_id, name="renamed")
    assert done.effects(vm_id) == {"name": "next boot"} and running.site.config(vm_id)["name"] == "renamed"


def test_a_vendor_snippet_is_read_at_the_next_boot(running: Running) -> None:
    vm_id = running.take()
    write_snippet(running.site.pve, "agent.yml")
    done = running.change(vm_id, vendor_snippet="local:snippets/agent.yml")
    assert done.effects(vm_id) == {"cicustom": "next boot"}
    assert running.site.config(vm_id)["cicustom"] == "vendor=local:snippets/agent.yml"
    again = running.change(vm_id, vendor_snippet="local:snippets/agent.yml", reboot="when_needed")
    assert again.steps(vm_id) == ["reboot"]


def test_another_template_is_told_and_nothing_is_done(running: Running) -> None:
    vm_id = running.take()
    done = running.change(vm_id, template=9999)
    assert not done.changed and "needs replacement" in done.guest(vm_id)["notes"][0]


def test_tags_description_and_start_on_boot_change_in_place(running: Running) -> None:
    vm_id = running.take()
    done = running.change(vm_id, tags=["Web"], description="Rack 3", on_boot=False)
    assert done.effects(vm_id) == {"onboot": "in place"} and not done.guest(vm_id)["reboot_required"]
    config = running.site.config(vm_id)
    assert "web" in config["tags"].split(";") and config["description"].startswith("Rack 3\n")


def test_keys_set_by_hand_that_the_table_does_not_know_stay(running: Running) -> None:
    vm_id = running.take()
    running.site.pve.call("PUT", f"/nodes/pve/qemu/{vm_id}/config", None, hotplug="disk", localtime=1)
    assert not running.change(vm_id).changed
