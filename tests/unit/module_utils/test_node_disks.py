# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data disks: what is refused, and what may become a volume group."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._node_disks import (
    disk_link,
    disk_problems,
    least_group_size,
    parse_groups,
    parse_members,
    parse_signatures,
    volumes_state,
)

EMPTY: dict[str, Any] = {
    "name": "data", "index": 1, "link": "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_drive-scsi1", "device": "/dev/sdb",
    "size": 250 * 2**30, "signatures": [], "uses": [], "mounted": False, "group": None, "unread": [],
}  # fmt: skip


def problems(wipe: bool = False, **changes: Any) -> list[str]:
    return disk_problems([{**EMPTY, **changes}], {"data": 250}, "data-vg", wipe, "data_volume_wipe")


def test_an_empty_disk_may_be_used() -> None:
    assert problems() == []


def test_a_disk_of_the_wanted_group_is_right() -> None:
    assert problems(group="data-vg", signatures=[{"device": "/dev/sdb", "type": "LVM2_member"}]) == []


@pytest.mark.parametrize("kind", ["ext4", "xfs", "gpt", "dos", "LVM2_member", "linux_raid_member"])
def test_any_signature_is_refused_unless_its_wipe_is_named(kind: str) -> None:
    found = {"signatures": [{"device": "/dev/sdb", "type": kind}]}
    [problem] = problems(**found)
    assert f"{kind} on /dev/sdb" in problem
    assert "data_volume_wipe" in problem
    assert problems(wipe=True, **found) == []


def test_a_partition_is_refused_too() -> None:
    assert "partition sdb1" in problems(uses=["partition sdb1"])[0]


def test_a_mounted_disk_is_never_wiped() -> None:
    [problem] = problems(wipe=True, mounted=True, uses=["mounted on /srv"])
    assert "mounted on /srv" in problem


def test_a_disk_of_another_group_is_never_taken() -> None:
    [problem] = problems(wipe=True, group="topolvm-vg")
    assert "topolvm-vg" in problem


def test_a_disk_with_a_partition_in_a_group_is_never_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor of the site's own group, whose members are whole disks."""
    partitions = "ansible_collections.detectviz.infra.plugins.module_utils._node_disks._partitions"
    monkeypatch.setattr(partitions, lambda block: ["no-such-disk1"])
    for group in ("old-vg", "data-vg"):
        rows = [{"pv_name": "/dev/no-such-disk1", "vg_name": group}]
        [disk] = read(monkeypatch, pvs=(0, json.dumps({"report": [{"pv": rows}]})))["disks"]
        sized = {**disk, "size": EMPTY["size"]}
        [problem] = disk_problems([sized], {"data": 250}, "data-vg", True, "data_volume_wipe")
        assert f"/dev/no-such-disk1 belongs to the volume group {group}" in problem


def test_a_disk_that_is_too_small_is_told_in_gib() -> None:
    assert "has 249.0 GiB, the table says 250" in problems(size=249 * 2**30)[0]


def test_a_missing_disk_is_told_by_its_stable_names() -> None:
    [problem] = problems(link=None)
    assert "scsi-0QEMU_QEMU_HARDDISK_data or " in problem
    assert "drive-scsi1" in problem


def test_disks_are_found_by_serial_then_by_place_never_by_letter() -> None:
    by_serial = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_data"
    by_place = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_drive-scsi1"
    assert disk_link("data", 1, {by_serial, by_place}.__contains__) == by_serial
    assert disk_link("data", 1, {by_place}.__contains__) == by_place
    assert disk_link("data", 1, {"/dev/sdb"}.__contains__) is None


def test_reports_of_lvm_and_wipefs() -> None:
    pvs = json.dumps({"report": [{"pv": [{"pv_name": "/dev/sdb", "vg_name": "data-vg"}, {"pv_name": "/dev/sdc", "vg_name": ""}]}]})
    assert parse_members(pvs) == {"/dev/sdb": "data-vg", "/dev/sdc": ""}
    assert parse_groups('{"report": [{"vg": [{"vg_name": "data-vg", "vg_size": "268431261696"}]}]}') == {"data-vg": 268431261696}
    assert parse_members("") == {}
    assert parse_signatures(0, '{"signatures": [{"device": "sdb", "offset": "0x438", "type": "ext4"}]}') == ["ext4"]
    assert parse_signatures(0, "") == []


@pytest.mark.parametrize(("code", "text"), [(1, ""), (127, ""), (1, '{"signatures": []}'), (0, "wipefs: error")])
def test_an_answer_that_cannot_be_read_is_no_empty_disk(code: int, text: str) -> None:
    assert parse_signatures(code, text) is None


def test_what_could_not_be_read_is_refused_even_with_the_wipe_named() -> None:
    [problem] = problems(wipe=True, unread=["wipefs cannot read /dev/sdb"])
    assert "not known, wipefs cannot read /dev/sdb" in problem
    assert "wipefs" in problems(group="data-vg", unread=["wipefs cannot read /dev/sdb"])[0]


def test_a_group_on_other_disks_is_never_extended() -> None:
    def found(**changes: Any) -> list[str]:
        return disk_problems([{**EMPTY, **changes}], {"data": 250}, "data-vg", False, "data_volume_wipe", ["data-vg"])

    assert "data-vg is there, on none of the disks" in found()[0]
    assert found(group="data-vg") == []


ANSWERS = {
    "dmsetup": (0, ""),
    "pvs": (0, json.dumps({"report": [{"pv": [{"pv_name": "/dev/no-such-disk", "vg_name": "data-vg"}]}]})),
    "vgs": (0, json.dumps({"report": [{"vg": [{"vg_name": "data-vg", "vg_size": "1024"}]}]})),
    "wipefs": (0, json.dumps({"signatures": [{"device": "x", "offset": "0x218", "type": "LVM2_member"}]})),
}


def read(monkeypatch: pytest.MonkeyPatch, **answers: tuple[int, str]) -> dict[str, Any]:
    """The state of a machine with one data disk whose programs answer so."""
    link = "ansible_collections.detectviz.infra.plugins.module_utils._node_disks.disk_link"
    monkeypatch.setattr(link, lambda name, index: "/dev/no-such-disk")
    return volumes_state(lambda command: {**ANSWERS, **answers}[command[0]], ["system", "data"])


def test_programs_that_answer_leave_nothing_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    state = read(monkeypatch)
    assert state["groups"] == {"data-vg": 1024}
    assert [(disk["group"], disk["unread"]) for disk in state["disks"]] == [("data-vg", [])]
    assert state["disks"][0]["signatures"] == [{"device": "/dev/no-such-disk", "type": "LVM2_member"}]


@pytest.mark.parametrize("program", ["wipefs", "pvs", "vgs"])
def test_a_program_that_fails_is_told_with_the_disk(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    [disk] = read(monkeypatch, **{program: (5, "")})["disks"]
    assert [program in text for text in disk["unread"]] == [True]


def test_without_device_mapper_lvm_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    state = read(monkeypatch, dmsetup=(1, ""), pvs=(5, ""), vgs=(5, ""))
    assert (state["lvm"], state["groups"], state["disks"][0]["unread"]) == (False, {}, [])


def test_a_volume_group_may_lack_what_lvm_keeps_of_each_disk() -> None:
    assert least_group_size([250]) == 250 * 2**30 - 64 * 2**20
    assert least_group_size([250, 100]) == 350 * 2**30 - 128 * 2**20
    assert least_group_size([]) == 0
