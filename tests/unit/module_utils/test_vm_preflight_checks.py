# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks before the first write: each names the object, the fact and the way out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _vm_preflight_checks as checks
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._pve_permissions import Permissions
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest, read_guests
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import Template
from ansible_collections.detectviz.infra.plugins.module_utils._vm_templates import (
    check_template,
    choose_template,
    clone_of,
)

GIB = 1024**3
CONFIG = {
    "template": "1",
    "scsi0": "local-lvm:base-9000-disk-0,size=10G",
    "ide2": "local-lvm:vm-9000-cloudinit,media=cdrom",
}
ROWS = [
    Observed(9000, "pve1", template=True, name="ubuntu"),
    Observed(9001, "pve2", template=True, name="ubuntu"),
    Observed(100, "pve1", name="web"),
]
SHARED = {"ceph": {"storage": "ceph", "shared": 1}, "local-lvm": {"storage": "local-lvm", "shared": 0}}


def guest(**changes: Any) -> Guest:
    row = {
        "vm_id": 111,
        "name": "master-1",
        "pve_node": "pve1",
        "disks": [{"size_gb": 100}],
        "networks": [{"bridge": "vmbr0", "addresses": ["dhcp"], "mtu": 9000}],
        **changes,
    }
    return read_guests([row], {}, {}, {})[0]


@pytest.mark.parametrize(
    ("template", "node", "expected"),
    [
        (9000, "pve1", 9000),
        ("9001", "pve1", 9001),
        ("ubuntu", "pve1", 9000),
        ("ubuntu", "pve2", 9001),
        ({"pve1": 9000, "pve2": "ubuntu"}, "pve2", 9001),
    ],
)
def test_a_template_is_found_by_id_by_name_on_the_own_node_or_by_a_map(template: Any, node: str, expected: int) -> None:
    assert choose_template(guest(template=template, pve_node=node), ROWS).vm_id == expected


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (None, "no template is given"),
        (4711, "template 4711 is not there"),
        ("web", r"templates that it sees: ubuntu \(9000 on pve1\), ubuntu \(9001 on pve2\)"),
        ({"pve2": 9001}, "names no template for node pve1"),
    ],
)
def test_a_template_that_is_missing_is_told_with_what_is_there(template: Any, text: str) -> None:
    with pytest.raises(InfraError, match=text):
        choose_template(guest(template=template), ROWS)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"scsi0": CONFIG["scsi0"]}, "is an ordinary guest, not a template"),
        ({"template": 1, "lock": "disk", "scsi0": CONFIG["scsi0"]}, r"is locked \(disk\)"),
        ({"template": 1}, "has no disk to boot from"),
    ],
)
def test_a_template_that_is_half_made_is_refused(config: dict[str, Any], text: str) -> None:
    with pytest.raises(InfraError, match=text):
        check_template(guest(), ROWS[0], config)


def test_a_template_on_an_offline_node_is_told_with_the_way_out() -> None:
    guests = [guest(), guest(vm_id=112, name="master-2", pve_node="pve2"), guest(vm_id=113, name="master-3", pve_node="pve3")]
    chosen = [(one, ROWS[0]) for one in guests]
    assert checks.check_template_nodes(chosen, {"pve2", "pve3"}) == [
        "template 9000 is on pve1, which is offline; start it, or name one on pve2 and pve3 (needed by master-2, master-3)"
    ]
    assert checks.check_template_nodes(chosen, {"pve1", "pve2", "pve3"}) == []


def test_a_control_plane_is_copied_and_others_are_linked() -> None:
    assert clone_of(guest(node_role="control_plane"), ROWS[0], CONFIG, SHARED).full
    assert not clone_of(guest(), ROWS[0], CONFIG, SHARED).full
    assert not clone_of(guest(node_role="control_plane", full=False), ROWS[0], CONFIG, SHARED).full


def test_another_storage_makes_a_full_clone_there() -> None:
    template = clone_of(guest(storage="ceph"), ROWS[0], CONFIG, SHARED)
    assert (template.full, template.storage) == (True, "ceph")


def test_a_linked_clone_to_another_storage_is_refused() -> None:
    with pytest.raises(InfraError, match="a linked clone stays on the template's storage local-lvm"):
        clone_of(guest(storage="ceph", full=False), ROWS[0], CONFIG, SHARED)


@pytest.mark.parametrize("kind", ["lvm", "iscsi", "iscsidirect"])
def test_a_storage_without_linked_clones_makes_full_ones(kind: str) -> None:
    storages = {"local-lvm": {"storage": "local-lvm", "type": kind}}
    assert clone_of(guest(), ROWS[0], CONFIG, storages).full
    with pytest.raises(InfraError, match=f"local-lvm is of type {kind}, which has no linked clones"):
        clone_of(guest(full=False), ROWS[0], CONFIG, storages)


def test_a_template_on_another_node_needs_shared_storage() -> None:
    with pytest.raises(
        InfraError, match="template 9000 is not on node pve2; it is on pve1, on local storage local-lvm"
    ):
        clone_of(guest(pve_node="pve2"), ROWS[0], CONFIG, SHARED)
    shared = {key: value.replace("local-lvm", "ceph") for key, value in CONFIG.items()}
    assert clone_of(guest(pve_node="pve2"), ROWS[0], shared, SHARED).target == "pve2"


def creation(**changes: Any) -> checks.Creation:
    return guest(**changes), Template(9000, "pve1", CONFIG)


def test_disks_are_summed_per_node_and_storage() -> None:
    disks = [{"size_gb": 100}, {"name": "data", "size_gb": 50, "storage": "ceph"}]
    assert checks.wanted_storages([creation(disks=disks), creation()]) == {
        ("pve1", "local-lvm"): 200,
        ("pve1", "ceph"): 50,
    }


@pytest.mark.parametrize(
    ("row", "problems", "warnings"),
    [
        ({"type": "lvmthin", "content": "images", "avail": 500 * GIB}, [], []),
        ({"type": "lvmthin", "content": "images", "avail": 50 * GIB}, [], ["it is thin"]),
        (
            {"type": "lvm", "content": "images", "avail": 50 * GIB},
            ["has 50G free, the new guests' disks sum up to 100G"],
            [],
        ),
        ({"type": "lvmthin", "content": "images", "avail": 0}, ["has 0 free"], []),
        ({"type": "dir", "content": "iso", "avail": 500 * GIB}, ["does not take disk images"], []),
        ({"type": "dir", "content": "images", "avail": 500 * GIB, "active": 0}, ["is disabled or not active"], []),
        (None, ["storage local-lvm is not on node pve1"], []),
    ],
)
def test_storages_take_images_and_have_the_space(row: Any, problems: list[str], warnings: list[str]) -> None:
    present = {"pve1": {"local-lvm": row} if row else {}}
    found, warned = checks.check_storages({("pve1", "local-lvm"): 100}, present)
    assert len(found) == len(problems) and all(text in one for text, one in zip(problems, found))
    assert len(warned) == len(warnings) and all(text in one for text, one in zip(warnings, warned))


def test_a_bridge_with_a_smaller_mtu_is_told_before_the_start_task_fails() -> None:
    present = {"pve1": [{"iface": "vmbr0", "type": "bridge", "mtu": "1500"}]}
    assert (
        "bridge vmbr0 on node pve1 has MTU 1500, the table wants 9000 for master-1"
        in checks.check_bridges([guest()], present)[0][0]
    )
    present["pve1"][0]["mtu"] = "9000"
    assert checks.check_bridges([guest()], present) == ([], [])


def test_a_bridge_without_an_mtu_has_that_of_its_ports_so_more_than_1500_is_a_warning() -> None:
    present = {"pve1": [{"iface": "vmbr0", "type": "bridge"}, {"iface": "vmbr1", "type": "OVSBridge"}]}
    problems, warnings = checks.check_bridges([guest()], present)
    assert problems == [] and "says no MTU (Proxmox takes the ports')" in warnings[0]
    usual = guest(networks=[{"bridge": "vmbr0", "addresses": ["dhcp"], "mtu": 1500}, {"bridge": "vmbr1", "mtu": 9000}])
    assert checks.check_bridges([usual], present) == ([], [])


def test_a_bridge_that_is_not_shown_may_be_hidden() -> None:
    assert "or the token lacks SDN.Use" in checks.check_bridges([guest()], {"pve1": []})[0][0]


def test_nodes_are_members_and_online() -> None:
    rows = [{"node": "pve1", "status": "online"}, {"node": "pve2", "status": "offline"}]
    problems = checks.check_nodes({"pve1", "pve2", "pve3"}, rows)
    assert ["node pve2 is offline" in problems[0], "node pve3 does not exist" in problems[1]] == [True, True]


@pytest.mark.parametrize(("version", "problems"), [("9.2.11", 0), ("8.0.3", 0), ("8.4-1", 0), ("7.4-3", 1)])
def test_the_oldest_release_is_eight(version: str, problems: int) -> None:
    assert len(checks.check_version(version)) == problems


def test_privileges_propagate_only_where_they_say_so() -> None:
    granted = Permissions({"/": {"Sys.Audit": 0}, "/vms": {"VM.Audit": 1}, "/pool/a": {"VM.Allocate": 0}})
    assert (
        granted.may("/vms/100", "VM.Audit") and granted.may("/pool/a", "VM.Allocate") and granted.may("/", "Sys.Audit")
    )
    assert not granted.may("/nodes", "Sys.Audit") and not granted.may("/storage/x", "VM.Audit")


def test_each_missing_privilege_is_named_with_its_path_and_who_needs_it() -> None:
    granted = Permissions({"/pool/site": {"VM.Allocate": 1}, "/vms/9000": {"VM.Clone": 0}})
    problems = checks.check_permissions(granted, [creation(pool="site")], [], set(), "ansible@pve!t", True, None)
    assert (
        "ansible@pve!t lacks VM.PowerMgmt on /pool/site, needed for master-1; grant it to the token and to its user"
        in problems
    )
    assert any("lacks SDN.Use on /sdn/zones/localnetwork/vmbr0" in text for text in problems)
    assert any("lacks Datastore.AllocateSpace on /storage/local-lvm" in text for text in problems)
    assert not any("VM.Clone" in text or "VM.Allocate" in text or "GuestAgent" in text for text in problems)


def lacking(agent: str | None = None, config: dict[str, str] | None = None, **changes: Any) -> list[str]:
    made = guest(**changes), Template(9000, "pve1", {**CONFIG, **(config or {})})
    return checks.check_permissions(Permissions({}), [made], [], set(), "ansible@pve!t", True, agent)


@pytest.mark.parametrize(
    ("version", "privilege"),
    [("8.4.1", "VM.Monitor"), ("9.0.3", "VM.GuestAgent.FileRead"), ("9.2.11", "VM.GuestAgent.FileRead")],
)
def test_the_agent_is_asked_with_the_privilege_of_the_release(version: str, privilege: str) -> None:
    assert checks.agent_privilege(version) == privilege
    assert any(f"lacks {privilege} on /vms/111" in text for text in lacking(checks.agent_privilege(version)))


def test_a_startup_order_needs_its_privilege_on_the_host() -> None:
    for problems in (lacking(startup=3), lacking(config={"startup": "order=1"})):
        assert any("lacks Sys.Modify on /, needed for the startup order of master-1" in text for text in problems)
    assert not any("Sys.Modify" in text for text in lacking())


def test_a_clone_needs_the_bridges_of_its_template_as_well() -> None:
    problems = lacking(config={"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr7,tag=5"})
    zone = "/sdn/zones/localnetwork/vmbr7"
    assert any(f"lacks SDN.Use on {zone}/5 or {zone}" in text for text in problems)


def test_an_administrator_may_do_too_much() -> None:
    assert "Permissions.Modify" in Permissions({"/": {"Permissions.Modify": 1, "VM.Audit": 1}}).too_much()


def test_an_address_of_a_proxmox_host_is_refused() -> None:
    wanted = guest(networks=[{"bridge": "vmbr0", "addresses": ["192.168.0.2/24"]}])
    present = {"pve1": [{"iface": "vmbr0", "address": "192.168.0.2"}, {"iface": "vmbr1"}]}
    assert checks.check_host_addresses([wanted], present) == [
        "master-1 (111): address 192.168.0.2 is that of vmbr0 of node pve1; choose another"
    ]


def test_a_snippet_that_is_missing_is_told_once_per_node_where_it_could_be_looked_for() -> None:
    wanted = checks.wanted_snippets([guest(vendor_snippet="local:snippets/a.yml"), guest()])
    assert wanted == {("pve1", "local"): {"local:snippets/a.yml"}}
    assert checks.check_snippets(wanted, {}) == []
    assert checks.check_snippets(wanted, {("pve1", "local"): [{"volid": "local:snippets/a.yml"}]}) == []
    (problem,) = checks.check_snippets(wanted, {("pve1", "local"): []})
    assert "snippet local:snippets/a.yml is not on node pve1" in problem and "host_preparation.snippets" in problem
