# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disk options that a bus does not have are left out and told, not refused by Proxmox after the clone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_changes import Difference
from ansible_collections.detectviz.infra.plugins.module_utils._vm_disks import compare_disks
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import read_guests


def notes(bus: str, disks: list[dict[str, Any]]) -> list[str]:
    row = {"vm_id": 111, "name": "node-1", "pve_node": "pve", "disks": disks}
    difference = Difference()
    config = {f"{bus}0": "local-lvm:vm-111-disk-0,size=10G", "boot": f"order={bus}0"}
    compare_disks(read_guests([row], {}, {}, {})[0], config, False, False, difference)
    assert difference.refusals == []
    sent = [str(change.value) for change in difference.changes]
    lacking = {"virtio": "ssd=", "sata": "iothread=", "ide": "iothread="}.get(bus)
    assert lacking is None or not any(lacking in text for text in sent)
    return difference.notes


@pytest.mark.parametrize(("bus", "option"), [("virtio", "ssd"), ("sata", "iothread"), ("ide", "iothread")])
def test_an_option_that_the_bus_lacks_is_left_out_and_told(bus: str, option: str) -> None:
    found = notes(bus, [{"size_gb": 10, option: True}])
    assert len(found) == 1 and f"disk system is {bus}0, and a disk on {bus} has no option {option}" in found[0]
    assert notes(bus, [{"size_gb": 10, option: False}]) == []


def test_a_new_disk_is_checked_on_the_bus_that_it_gets() -> None:
    data = {"name": "data", "size_gb": 20, "ssd": True}
    assert "disk data is virtio1" in notes("virtio", [{"size_gb": 10}, data])[0]
    assert notes("ide", [{"size_gb": 10}, data]) == []  # it goes to scsi


@pytest.mark.parametrize("option", ["ssd", "iothread"])
def test_scsi_has_them_all(option: str) -> None:
    assert notes("scsi", [{"size_gb": 10, option: True}]) == []
