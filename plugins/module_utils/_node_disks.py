# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data disks of a node: which device a disk of the table is, and what is on it. Reading only."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._guest_probe import DISK_LINKS, SECTOR

PVS = ("--options", "pv_name,vg_name")
VGS = ("--units", "b", "--nosuffix", "--options", "vg_name,vg_size")
NOT_INSTALLED = 127
GIB = 1 << 30
KEPT_BY_LVM = 64 << 20
"""Bytes of each disk that LVM may keep for itself, or lose by whole extents."""
Run = Callable[[list[str]], tuple[int, str]]


def volumes_state(run: Run, names: Sequence[str]) -> dict[str, Any]:
    """``{lvm, groups, disks}``: whether the kernel has what LVM needs, its volume groups in bytes, and the data disks.

    ``names`` are those of the table in its order, the system's first. A disk is ``{name, index, link}`` (link is None if
    it is not there) with ``device``, ``size`` in bytes, ``signatures`` of it and of its partitions, ``uses`` (partitions,
    mounts), ``mounted``, ``group`` (the volume group that it is a member of), ``part_groups`` (those of its partitions) and
    ``unread``: programs that failed, so that what they would have told is not known.
    """
    lvm = run(["dmsetup", "version"])[0] == 0
    # Without device mapper there is no volume group to be told, and LVM's programs fail.
    volumes, groups = (_lvm(run, "pvs", PVS), _lvm(run, "vgs", VGS)) if lvm else (("", []), ("", []))
    members = {os.path.realpath(name): group for name, group in parse_members(volumes[0]).items()}
    failed = volumes[1] + groups[1]
    disks = [{"name": name, "index": index} for index, name in enumerate(names) if index]
    return {"lvm": lvm, "groups": parse_groups(groups[0]), "disks": [_disk(run, disk, members, failed) for disk in disks]}


def least_group_size(sizes_gb: Sequence[int | float]) -> int:
    """Bytes that a volume group of disks of these sizes (GiB) has at least."""
    return sum(int(size * GIB) - KEPT_BY_LVM for size in sizes_gb)


def _lvm(run: Run, program: str, options: Sequence[str]) -> tuple[str, list[str]]:
    """What it printed, and its failure. One that is not installed has made no volume group yet."""
    code, text = run([program, "--reportformat", "json", *options])
    return text, [] if code in (0, NOT_INSTALLED) else [f"{program} ended with code {code}"]


def disk_link(name: str, index: int, exists: Callable[[str], bool] = os.path.lexists) -> str | None:
    """The stable name of a disk: by its serial, which is its name in the table, else by its place on the bus."""
    links = [link.format(name=name, index=index) for link in DISK_LINKS]
    return next((link for link in links if exists(link)), None)


def _disk(run: Run, disk: Mapping[str, Any], members: Mapping[str, str], failed: Sequence[str]) -> dict[str, Any]:
    link = disk_link(disk["name"], disk["index"])
    if link is None:
        return {**disk, "link": None}
    device = os.path.realpath(link)
    block = f"/sys/class/block/{os.path.basename(device)}"
    parts = _partitions(block)
    paths = [device, *(f"/dev/{part}" for part in parts)]
    mounts = [f"mounted on {point}" for point in _mounts(paths)]
    kinds = {path: parse_signatures(*run(["wipefs", "--no-act", "--json", path])) for path in paths}
    return {
        **disk,
        "link": link,
        "device": device,
        "size": _size(block),
        "signatures": [{"device": path, "type": kind} for path in paths for kind in kinds[path] or []],
        "uses": [f"partition {part}" for part in parts] + mounts,
        "mounted": bool(mounts),
        "group": members.get(device) or None,
        "part_groups": {path: members[path] for path in paths[1:] if members.get(path)},
        "unread": [*(f"wipefs cannot read {path}" for path in paths if kinds[path] is None), *failed],
    }


def _partitions(block: str) -> list[str]:
    try:
        names = os.listdir(block)
    except OSError:
        return []
    return sorted(name for name in names if os.path.exists(f"{block}/{name}/partition"))


def _size(block: str) -> int:
    try:
        with open(f"{block}/size", encoding="ascii") as handle:
            return int(handle.read()) * SECTOR
    except (OSError, ValueError):
        return 0


def _mounts(devices: Sequence[str]) -> list[str]:
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as handle:
        rows = [line.split() for line in handle]
    return sorted(row[1] for row in rows if row[0].startswith("/dev/") and os.path.realpath(row[0]) in devices)


def parse_signatures(code: int, text: str) -> list[str] | None:
    """Types of the signatures that ``wipefs --json`` found. None if it failed: that is no proof of an empty disk."""
    if code:
        return None
    try:
        return [str(row["type"]) for row in json.loads(text or "{}").get("signatures") or []]
    except (ValueError, KeyError, TypeError):
        return None


def parse_members(text: str) -> dict[str, str]:
    """``{device: volume group}`` from ``pvs --reportformat json``; a device without a group has an empty one."""
    return {row["pv_name"]: row["vg_name"] for row in _report(text, "pv")}


def parse_groups(text: str) -> dict[str, int]:
    """``{volume group: bytes}`` from ``vgs --reportformat json --units b --nosuffix``."""
    return {row["vg_name"]: int(row["vg_size"]) for row in _report(text, "vg")}


def _report(text: str, kind: str) -> list[dict[str, str]]:
    try:
        return [row for part in json.loads(text or "{}").get("report") or [] for row in part.get(kind) or []]
    except ValueError:
        return []


def disk_problems(
    disks: Sequence[Mapping[str, Any]],
    sizes_gb: Mapping[str, int],
    group: str,
    wipe: bool,
    variable: str,
    groups: Collection[str] = (),
) -> list[str]:
    """Why a volume group may not be made on these disks; each with the way out.

    ``variable`` allows the wipe; ``groups`` are the volume groups that the machine has.
    """
    problems = []
    if group in groups and not any(disk.get("group") == group for disk in disks):
        problems.append(
            f"the volume group {group} is there, on none of the disks of the table: it is another's, such as the system's. "
            "Give the site another name for its own (volume_group)"
        )
    for disk in disks:
        label = f"disk '{disk['name']}'"
        if not disk["link"]:
            links = " or ".join(link.format(**disk) for link in DISK_LINKS)
            problems.append(f"{label} is not there: neither {links} exists; has P1 attached it?")
            continue
        label = f"{label} ({disk['link']}, {disk['device']})"
        wanted = sizes_gb[disk["name"]] * 2**30
        if disk["size"] < wanted:
            problems.append(f"{label} has {disk['size'] / 2**30:.1f} GiB, the table says {sizes_gb[disk['name']]}: run P1")
        if disk.get("unread"):
            problems.append(f"{label}: what is on it is not known, {', '.join(disk['unread'])}. Try the same command there")
            continue
        if disk.get("group") == group:
            continue
        if disk.get("part_groups"):
            taken = ", ".join(f"{part} belongs to the volume group {name}" for part, name in disk["part_groups"].items())
            problems.append(f"{label} is in use: {taken}: it is never taken from it")
            continue
        if disk.get("group"):
            problems.append(f"{label} belongs to the volume group {disk['group']}: it is never taken from it")
        elif disk.get("mounted"):
            problems.append(f"{label} is in use: {', '.join(disk['uses'])}: it is never wiped while it is mounted")
        elif found_on(disk) and not wipe:
            problems.append(
                f"{label} is not empty: {', '.join(found_on(disk))}. If nothing on it is needed, name this machine in "
                f"{variable}: everything on the disk is then lost"
            )
    return problems


def found_on(disk: Mapping[str, Any]) -> list[str]:
    """What makes a disk not empty, in words. A bare mark of LVM without a group counts: someone has put it there."""
    signatures = [f"{row['type']} on {row['device']}" for row in disk.get("signatures") or []]
    return signatures + [use for use in disk.get("uses") or [] if use.startswith("partition")]
