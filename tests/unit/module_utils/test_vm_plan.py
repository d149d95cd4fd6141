# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The planner: rows of the change matrix, refusals, and that a plan carried out leaves nothing to plan."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _property_string as props
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest, read_guests
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed, with_pending
from ansible_collections.detectviz.infra.plugins.module_utils._vm_ownership import split_tags
from ansible_collections.detectviz.infra.plugins.module_utils._vm_plan import fast_equal, plan_guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import GuestPlan, Options, Template
from hypothesis import given, settings
from hypothesis import strategies as st

SITE = Options("demo", "started", now=1_000_000)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1x ops@site"
ROW: dict[str, Any] = {
    "vm_id": 111,
    "name": "master-1",
    "pve_node": "pve",
    "template": 9000,
    "cores": 4,
    "memory_mb": 8192,
    "disks": [{"name": "system", "size_gb": 100}, {"name": "data", "size_gb": 250}],
    "networks": [
        {"bridge": "vmbr0", "addresses": ["192.168.0.11/24"], "gateway": "192.168.0.1", "mtu": 1500},
        {"bridge": "vmbr1", "addresses": ["10.0.0.11/24"], "mtu": 9000},
    ],
    "user": "ubuntu",
    "ssh_keys": [KEY],
    "nameservers": ["192.168.0.2"],
}
CLOUD = {
    "name": "ubuntu",
    "template": "1",
    "boot": "order=scsi0",
    "scsi0": "local-lvm:base-9000-disk-0,discard=on,size=10G",
    "ide2": "local-lvm:vm-9000-cloudinit,media=cdrom,size=4M",
    "net0": "virtio=BC:24:11:00:90:00,bridge=vmbr0",
    "net1": "virtio=BC:24:11:00:90:01,bridge=vmbr0",
    "net2": "virtio=BC:24:11:00:90:02,bridge=vmbr0",
    "ipconfig2": "ip=dhcp",
    "cores": "1",
    "memory": "2048",
    "tags": "golden",
    "description": "the template",
    "protection": "1",
    "cicustom": "user=local:snippets/x.yml",
    "cipassword": "**********",
}
SEABIOS = {
    "template": "1",
    "bootdisk": "virtio0",
    "virtio0": "local:9000/base-9000-disk-0.qcow2,size=8G",
    "net0": "e1000=BC:24:11:00:90:00,bridge=vmbr9",
    "memory": "512",
}
MACS = (f"BC:24:11:00:00:{number % 256:02X}" for number in itertools.count())


def guest(**changes: Any) -> Guest:
    return read_guests([{**ROW, **changes}], {}, {}, {})[0]


def carry_out(plan: GuestPlan, observed: Observed | None, template: dict[str, str]) -> Observed:
    """What Proxmox would make of the plan: the model that the planner is tested against."""
    for step in plan.steps:
        config = dict(observed.config or {}) if observed else {}
        if step.kind == "clone":
            config = {key: value for key, value in template.items() if key != "template"}
            for key, value in config.items():
                if key.startswith("net"):
                    config[key] = props.render_net({**props.parse_net(value), "macaddr": next(MACS)})
                elif re.match(r"(scsi|virtio)\d", key):
                    config[key] = value.replace("base-9000", "vm-111")
            config |= {"name": step.data["name"], "description": step.data["description"] + "\n"}
            observed = Observed(111, "pve", status="stopped", config=config)
            continue
        assert observed is not None
        if step.kind == "config" and step.method == "POST":
            assert step.data.get("digest", observed.digest) == observed.digest
            for key, value in step.data.items():
                if key in ("digest", "background_delay"):
                    continue
                if key == "delete":
                    for name in value.split(","):
                        del config[name]
                elif re.match(r"(scsi|virtio|ide|efidisk)\d", key) and re.match(r"[^:]+:\d+(,|$)", value):
                    parts = props.parse(value, "file")
                    storage, size = parts["file"].split(":")
                    parts |= {"file": f"{storage}:vm-111-disk-{key}", "size": f"{size}G"}
                    config[key] = props.render(parts, "file")
                elif value.endswith(":cloudinit"):
                    config[key] = value.replace("cloudinit", "vm-111-cloudinit,media=cdrom")
                elif key.startswith("net"):
                    config[key] = props.render_net({"macaddr": next(MACS), **props.parse_net(value)})
                else:
                    config[key] = value.replace("seed=now", f"seed={SITE.now}")
        elif step.kind == "resize":
            disk = props.parse(config[step.data["disk"]], "file")
            config[step.data["disk"]] = props.render({**disk, "size": step.data["size"]}, "file")
        status = {"start": "running", "shutdown": "stopped"}.get(step.kind, observed.status)
        tags = tuple(split_tags(config.get("tags")))
        observed = replace(observed, config=config, status=status, tags=tags, digest=f"{hash(str(config)):x}")
    assert observed is not None
    return observed


def settle(wanted: Guest, template: dict[str, str] | None = None, options: Options = SITE) -> Observed:
    """A guest made from nothing, by as many plans as a run needs: one, or two where a volume's name has to be read."""
    template = template or CLOUD
    plan = plan_guest(wanted, None, Template(9000, "pve", template), options)
    assert plan.refusals == []
    if plan.replan_after_clone:
        plan.steps = plan.steps[:1]
    observed = carry_out(plan, None, template)
    if plan.replan_after_clone:
        observed = carry_out(plan_guest(wanted, observed, None, options), observed, template)
    return observed


def replanned(**changes: Any) -> GuestPlan:
    """The plan after the row of a finished guest was changed."""
    return plan_guest(guest(**changes), settle(guest()), None, SITE)


def effects(plan: GuestPlan) -> dict[str, str]:
    return {change.key: change.effect for change in plan.changes() if change.key not in ("tags", "description")}


ROWS = st.fixed_dictionaries(
    {},
    optional={
        "cores": st.integers(1, 64),
        "memory_mb": st.integers(512, 65536),
        "balloon_mb": st.integers(0, 1024),
        "cpu_type": st.sampled_from(["host", "x86-64-v2-AES"]),
        "bios": st.sampled_from(["ovmf", "seabios"]),
        "machine": st.sampled_from(["q35", "i440fx"]),
        "on_boot": st.booleans(),
        "agent": st.booleans(),
        "protection": st.booleans(),
        "serial": st.booleans(),
        "vga": st.just("serial0"),
        "vendor_snippet": st.sampled_from(["local:snippets/agent.yml", "nas:snippets/b.yml"]),
        "tags": st.lists(st.from_regex(r"\A[a-zA-Z0-9][a-z0-9\-]{0,6}\Z"), max_size=3),
        "description": st.text("abc \n#", max_size=12),
        "startup": st.sampled_from(["order=2,up=30", "3", {"order": 1}]),
        "ssh_keys": st.lists(st.just(KEY), max_size=2),
        "search_domains": st.lists(st.sampled_from(["a.internal", "b.internal"]), unique=True),
        "disks": st.lists(
            st.fixed_dictionaries(
                {"size_gb": st.integers(16, 500)},
                optional={"ssd": st.booleans(), "discard": st.booleans(), "backup": st.booleans()},
            ),
            max_size=3,
        ),
        "networks": st.lists(
            st.fixed_dictionaries(
                {"bridge": st.sampled_from(["vmbr0", "vmbr1"])},
                optional={
                    "mtu": st.sampled_from([1500, 9000]),
                    "vlan_tag": st.integers(1, 4094),
                    "firewall": st.booleans(),
                    "mac": st.just("bc:24:11:aa:bb:cc"),
                    "addresses": st.sampled_from([["dhcp"], ["10.0.0.1/24", "fd00::1/64"], []]),
                },
            ).map(lambda nic: {**nic, "addresses": nic.get("addresses", [])}),
            max_size=1,
        ),
    },
)


@settings(deadline=None, max_examples=150)
@given(ROWS, st.sampled_from([CLOUD, SEABIOS]))
def test_a_plan_carried_out_leaves_nothing_to_plan(row: dict[str, Any], template: dict[str, str]) -> None:
    wanted = guest(**row)
    observed = settle(wanted, template)
    again = plan_guest(wanted, observed, None, SITE)
    assert (again.steps, again.refusals) == ([], [])


@settings(deadline=None, max_examples=150)
@given(ROWS.filter(lambda row: "disks" not in row), ROWS.filter(lambda row: "disks" not in row))
def test_an_update_carried_out_leaves_nothing_to_plan(before: dict[str, Any], after: dict[str, Any]) -> None:
    observed = settle(guest(**before))
    wanted = guest(**after)
    plan = plan_guest(wanted, observed, None, SITE)
    assert plan.refusals == []
    observed = carry_out(plan, observed, CLOUD)
    assert plan_guest(wanted, observed, None, SITE).steps == []


def test_a_new_guest_is_cloned_configured_grown_and_started() -> None:
    plan = plan_guest(guest(pool="site"), None, Template(9000, "pve", CLOUD), SITE)
    assert [step.kind for step in plan.steps] == ["clone", "config", "resize", "start"]
    clone, config, resize, start = plan.steps
    assert clone.data["newid"] == 111 and clone.data["pool"] == "site" and "storage" not in clone.data
    assert "site=demo guest=111 template=9000" in clone.data["description"]
    assert config.data["delete"] == "cicustom,ipconfig2,net2,protection"
    assert config.data["scsi1"] == "local-lvm:250,serial=data"
    assert config.data["tags"] == f"dvz-{guest(pool='site').digest};dvz-site-demo"
    assert resize.data == {"disk": "scsi0", "size": "100G"}
    assert "cipassword" not in config.data


def test_a_new_guest_has_the_tables_snippet_and_none_of_its_templates_files() -> None:
    wanted = guest(vendor_snippet="local:snippets/agent.yml")
    plan = plan_guest(wanted, None, Template(9000, "pve", CLOUD), SITE)
    assert plan.steps[1].data["cicustom"] == "vendor=local:snippets/agent.yml"
    same = {**CLOUD, "cicustom": "vendor=local:snippets/agent.yml"}
    kept = plan_guest(wanted, None, Template(9000, "pve", same), SITE).steps[1].data
    assert "cicustom" not in kept and "cicustom" not in kept["delete"]


def test_the_storage_of_a_full_clone_is_sent_with_the_clone() -> None:
    template = Template(9000, "pve", CLOUD, full=True, storage="fast")
    plan = plan_guest(guest(storage="fast"), None, template, SITE)
    assert plan.steps[0].data["full"] == 1 and plan.steps[0].data["storage"] == "fast"
    assert plan.refusals == [] and plan.steps[1].data["scsi1"] == "fast:250,serial=data"


def test_no_resize_when_the_template_has_the_size() -> None:
    plan = plan_guest(guest(disks=[{"size_gb": 10}]), None, Template(9000, "pve", CLOUD), SITE)
    assert [step.kind for step in plan.steps] == ["clone", "config", "start"]


def test_a_clone_that_an_interrupted_run_left_is_finished() -> None:
    plan = plan_guest(guest(), None, Template(9000, "pve", CLOUD), SITE)
    whole = list(plan.steps)
    plan.steps = whole[:1]
    observed = carry_out(plan, None, CLOUD)
    rest = plan_guest(guest(), observed, None, SITE)
    assert [step.kind for step in rest.steps] == ["config", "resize", "start"]
    assert rest.steps[0].data["delete"] == whole[1].data["delete"]


@pytest.mark.parametrize("cores", [2, 8])
def test_more_or_fewer_cpus_need_a_reboot(cores: int) -> None:
    plan = replanned(cores=cores)
    assert effects(plan) == {"cores": "needs reboot"}
    assert plan.reboot_required and not plan.has("reboot")


def test_a_reboot_is_planned_only_when_asked_for() -> None:
    plan = plan_guest(guest(memory_mb=4096), settle(guest()), None, replace(SITE, reboot=True))
    assert [step.kind for step in plan.steps] == ["config", "reboot"]


def test_a_pending_value_of_an_earlier_run_still_needs_the_reboot() -> None:
    observed = replace(settle(guest()), pending=("cores",))
    plan = plan_guest(guest(), observed, None, SITE)
    assert plan.steps == [] and plan.reboot_required and plan.reboot_keys == ("cores",)


def test_memory_needs_a_reboot() -> None:
    assert effects(replanned(memory_mb=4096)) == {"memory": "needs reboot"}


def test_a_grown_disk_is_resized_in_place_to_an_absolute_size() -> None:
    plan = replanned(disks=[{"name": "system", "size_gb": 120}, {"name": "data", "size_gb": 300}])
    assert [step.data for step in plan.steps if step.kind == "resize"] == [
        {"disk": "scsi0", "size": "120G"},
        {"disk": "scsi1", "size": "300G"},
    ]
    assert not plan.reboot_required


def test_a_smaller_disk_is_refused_with_both_sizes() -> None:
    plan = replanned(disks=[{"name": "system", "size_gb": 50}, {"name": "data", "size_gb": 250}])
    assert "disk system has 100G, the table says 50G; a disk cannot shrink" in plan.refusals[0]


def test_a_disk_on_another_storage_is_refused_with_the_command_that_moves_it() -> None:
    plan = replanned(disks=[{"name": "system", "size_gb": 100, "storage": "fast"}, {"name": "data", "size_gb": 250}])
    assert "qm disk move 111 scsi0 fast --delete 1" in plan.refusals[0]


def test_a_data_disk_keeps_its_row_when_the_order_changes() -> None:
    two = [{"size_gb": 100}, {"name": "one", "size_gb": 20}, {"name": "two", "size_gb": 30}]
    observed = settle(guest(disks=two))
    plan = plan_guest(guest(disks=[two[0], two[2], two[1]]), observed, None, SITE)
    assert effects(plan) == {}


def test_a_disk_that_left_the_table_is_said_and_left_alone() -> None:
    plan = replanned(disks=[{"name": "system", "size_gb": 100}])
    assert effects(plan) == {} and "disk scsi1" in plan.notes[0]


def test_another_address_is_stored_and_read_at_the_next_boot() -> None:
    networks = [{**ROW["networks"][0], "addresses": ["192.168.0.21/24"]}, ROW["networks"][1]]
    plan = replanned(networks=networks)
    assert effects(plan) == {"ipconfig0": "next boot"}
    assert plan.has("cloudinit") and plan.reboot_required


def test_a_new_address_still_needs_its_reboot_in_the_next_run() -> None:
    networks = [{**ROW["networks"][0], "addresses": ["192.168.0.21/24"]}, ROW["networks"][1]]
    wanted = guest(networks=networks)
    before = settle(guest())
    observed = carry_out(plan_guest(wanted, before, None, SITE), before, CLOUD)
    later = replace(SITE, now=SITE.now + 100)
    waiting = plan_guest(wanted, replace(observed, uptime=5000), None, later)
    assert waiting.steps == [] and waiting.reboot_keys == ("cloud-init",)
    assert not plan_guest(wanted, replace(observed, uptime=60), None, later).reboot_required


def test_another_gateway_is_stored_and_read_at_the_next_boot() -> None:
    networks = [{**ROW["networks"][0], "gateway": "192.168.0.254"}, ROW["networks"][1]]
    assert effects(replanned(networks=networks)) == {"ipconfig0": "next boot"}


def test_a_vlan_tag_changes_in_place_and_keeps_the_mac() -> None:
    observed = settle(guest())
    networks = [{**ROW["networks"][0], "vlan_tag": 20}, ROW["networks"][1]]
    plan = plan_guest(guest(networks=networks), observed, None, SITE)
    assert effects(plan) == {"net0": "in place"}
    mac = props.parse_net(observed.config["net0"])["macaddr"]
    assert plan.steps[0].data["net0"] == f"virtio={mac},bridge=vmbr0,mtu=1500,tag=20"


def test_an_mtu_changes_in_place_where_cards_may_be_plugged() -> None:
    networks = [ROW["networks"][0], {**ROW["networks"][1], "mtu": 1500}]
    assert effects(replanned(networks=networks)) == {"net1": "in place"}
    observed = settle(guest())
    fixed = replace(observed, config={**observed.config, "hotplug": "disk,usb"})
    assert effects(plan_guest(guest(networks=networks), fixed, None, SITE)) == {"net1": "needs reboot"}


def test_another_name_reaches_the_guest_at_the_next_boot() -> None:
    assert effects(replanned(name="master-9")) == {"name": "next boot"}


def test_a_snippet_is_stored_and_read_at_the_next_boot_and_files_set_by_hand_stay() -> None:
    wanted = guest(vendor_snippet="local:snippets/agent.yml")
    assert effects(replanned(vendor_snippet="local:snippets/agent.yml")) == {"cicustom": "next boot"}
    observed = settle(guest())
    by_hand = replace(observed, config={**observed.config, "cicustom": "user=local:snippets/x.yml"})
    (change,) = plan_guest(wanted, by_hand, None, SITE).steps[0].changes[:1]
    assert set(change.after.split(",")) == {"user=local:snippets/x.yml", "vendor=local:snippets/agent.yml"}
    assert "cicustom" not in effects(plan_guest(guest(), by_hand, None, SITE))


def test_another_template_needs_replacement_and_does_nothing() -> None:
    plan = plan_guest(guest(template=9001), settle(guest()), None, SITE)
    assert plan.steps == [] and "was made from template 9000, the table says 9001; needs replacement" in plan.notes[0]


def test_a_guest_on_another_node_is_accepted_where_it_is() -> None:
    observed = replace(settle(guest()), node="pve2")
    plan = plan_guest(guest(cores=8), observed, None, SITE)
    assert plan.refusals == [] and plan.steps[0].path == "nodes/pve2/qemu/111/config"
    assert "qm migrate 111 pve --online" in plan.notes[0]


def test_options_that_the_table_does_not_know_stay_untouched() -> None:
    observed = settle(guest())
    config = observed.config or {}
    by_hand = {**config, "hotplug": "0", "hookscript": "local:snippets/x", "tags": "by-hand;" + config["tags"]}
    observed = replace(observed, config=by_hand, tags=tuple(split_tags(by_hand["tags"])))
    assert plan_guest(guest(), observed, None, SITE).steps == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"kind": "lxc"}, "is a container"),
        ({"template": True}, "is a template"),
        ({"tags": (), "config": {}}, "has no marker of this collection"),
        ({"tags": ("dvz-site-other",), "config": {}}, "another site owns it"),
    ],
)
def test_what_is_not_ours_is_refused(changes: dict[str, Any], text: str) -> None:
    plan = plan_guest(guest(), replace(settle(guest()), **changes), None, SITE)
    assert plan.steps == [] and text in plan.refusals[0]


def test_adopting_writes_the_marker_and_nothing_more() -> None:
    foreign = Observed(111, "pve", status="running", tags=("web",), config={**SEABIOS, "tags": "web"}, digest="d")
    plan = plan_guest(guest(), foreign, None, replace(SITE, adopt=frozenset({111})))
    assert plan.refusals == []
    assert [step.data for step in plan.steps] == [
        {
            "tags": "dvz-site-demo;web",
            "description": "detectviz.infra: site=demo guest=111",
            "digest": "d",
            "background_delay": 5,
        }
    ]
    assert any("would set cores" in note for note in plan.notes)


def test_a_guest_of_another_site_cannot_be_adopted() -> None:
    foreign = replace(settle(guest()), tags=("dvz-site-other",))
    plan = plan_guest(guest(), foreign, None, replace(SITE, adopt=frozenset({111})))
    assert plan.steps == [] and "cannot be adopted" in plan.refusals[0]


def test_a_foreign_guest_is_not_destroyed_even_where_it_may_be_adopted() -> None:
    foreign = replace(settle(guest()), tags=(), config={})
    plan = plan_guest(guest(), foreign, None, replace(SITE, state="absent", adopt=frozenset({111})))
    assert plan.steps == [] and "It is not destroyed" in plan.refusals[0]


def test_a_running_guest_is_shut_down_and_destroyed_without_touching_unreferenced_disks() -> None:
    plan = plan_guest(guest(), settle(guest()), None, replace(SITE, state="absent"))
    assert [step.kind for step in plan.steps] == ["shutdown", "destroy"]
    assert plan.steps[1].data == {"purge": 1}


def test_a_protected_guest_is_not_destroyed() -> None:
    plan = plan_guest(guest(), settle(guest(protection=True)), None, replace(SITE, state="absent"))
    assert plan.steps == [] and "is protected" in plan.refusals[0]


def test_a_lock_that_no_task_explains_is_reported_and_never_forced() -> None:
    plan = plan_guest(guest(cores=8), replace(settle(guest()), lock="backup"), None, SITE)
    assert "is locked (backup)" in plan.refusals[0]


def test_a_clone_that_nobody_finishes_is_reported_with_the_command_for_root() -> None:
    plan = plan_guest(guest(), Observed(111, "pve", lock="clone", config={"lock": "clone"}), None, SITE)
    assert plan.steps == [] and len(plan.refusals) == 1
    assert "`qm unlock 111 && qm destroy 111`" in plan.refusals[0]


def test_state_stopped_shuts_a_running_guest_down() -> None:
    plan = plan_guest(guest(), settle(guest()), None, replace(SITE, state="stopped"))
    assert [step.kind for step in plan.steps] == ["shutdown"]


def test_another_architecture_is_refused() -> None:
    plan = plan_guest(guest(arch="arm64"), None, Template(9000, "pve", CLOUD), SITE)
    assert "the table wants aarch64, its template or guest is x86_64" in plan.refusals[0]


def test_the_fast_check_sees_tags_power_and_sizes() -> None:
    observed = replace(settle(guest()), cores=4, memory=8192 * 1024**2, disk=100 * 1024**3)
    assert fast_equal(guest(), observed, SITE)
    assert not fast_equal(guest(), replace(observed, status="stopped"), SITE)
    assert not fast_equal(guest(), replace(observed, cores=2), SITE)
    assert not fast_equal(guest(cores=5), observed, SITE)
    assert not fast_equal(guest(), replace(observed, tags=()), SITE)


def test_pending_values_are_read_as_they_will_be() -> None:
    items = [
        {"key": "cores", "value": 2, "pending": 4},
        {"key": "memory", "value": "2048"},
        {"key": "vga", "value": "std", "delete": 1},
        {"key": "digest", "value": "abc"},
    ]
    observed = with_pending(Observed(111, "pve"), items)
    assert observed.config == {"cores": "4", "memory": "2048"}
    assert (observed.pending, observed.digest) == (("cores", "vga"), "abc")
