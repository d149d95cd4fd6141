# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After a retry a saved plan is carried on with, or refused; what Proxmox names itself is no difference."""

from __future__ import annotations

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_changes import Change
from ansible_collections.detectviz.infra.plugins.module_utils._vm_exact import beyond
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import GuestPlan, Step

NET = "virtio,bridge=vmbr0,mtu=9000"
DISK = "local-lvm:base-9000-disk-0,discard=on,size=10G"


def plan(*changes: Change, kinds: tuple[str, ...] = ("start",)) -> GuestPlan:
    """A plan with one configuration step and steps without changes."""
    config = [Step("config", "configure", changes=changes)] if changes else []
    return GuestPlan(111, "master-1", "pve", True, steps=config + [Step(kind, kind) for kind in kinds])


SAVED = plan(
    Change("cores", "1", "4", "4"), Change("net0", "", NET, NET), Change("scsi0", "", DISK, None),
    Change("vga", "std", "", None),
)  # fmt: skip


@pytest.mark.parametrize(
    "left",
    [
        plan(kinds=()),
        plan(Change("cores", "2", "4", "4")),
        plan(Change("net0", "", NET, "virtio=BC:24:11:00:00:01,bridge=vmbr0,mtu=9000")),
        plan(Change("scsi0", "", "", "local-lvm:vm-111-disk-0,size=20G,discard=on")),
        plan(Change("vga", "serial0", "", None)),
    ],
)
def test_a_rest_of_the_saved_plan_is_within_it(left: GuestPlan) -> None:
    assert beyond(SAVED, left) == []


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (plan(Change("cores", "4", "8", "8")), "cores: 4 -> 8"),
        (plan(Change("memory", "", "2048", "2048")), "memory: (none) -> 2048"),
        (plan(Change("net0", "", "virtio,bridge=vmbr1", "virtio,bridge=vmbr1")), "net0: (none) -> virtio,bridge=vmbr1"),
        (plan(Change("scsi0", "", "ceph:1,discard=on", "ceph:1,discard=on")), "scsi0: (none) -> ceph:1,discard=on"),
        (plan(Change("vga", "", "std", "std")), "vga: (none) -> std"),
        (plan(kinds=("shutdown",)), "shutdown"),
    ],
)
def test_anything_else_goes_beyond_it(left: GuestPlan, text: str) -> None:
    assert beyond(SAVED, left) == [text]


def test_a_mac_that_was_planned_is_part_of_the_plan() -> None:
    first = plan(Change("net0", "", "virtio=BC:24:11:00:00:01,bridge=vmbr0", "virtio=BC:24:11:00:00:01,bridge=vmbr0"))
    other = plan(Change("net0", "", "virtio=BC:24:11:00:00:02,bridge=vmbr0", "virtio=BC:24:11:00:00:02,bridge=vmbr0"))
    assert beyond(first, first) == [] and beyond(first, other)
