"""proxmox_vm_clone over a whole set: created, unchanged, planned, destroyed, and at what cost."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.emulated.clone_runs import KEY, Site, row
from tests.emulated.waiting import until_held


def four(first: int) -> list[dict[str, Any]]:
    data = [{"name": "system", "size_gb": 20}, {"name": "data", "size_gb": 30}]
    return [row(first, node_role="control_plane"), row(first + 1), row(first + 2), row(first + 3, disks=data)]


def test_four_guests_are_created_within_the_budget_and_run(site: Site, first_id: int) -> None:
    began = time.monotonic()
    made = site.run(four(first_id), wait="agent", cloud_init={"user": "ubuntu", "ssh_keys": [KEY]})
    seconds = time.monotonic() - began
    assert not made.failed and made.changed
    assert made.result["summary"]["create"] == 4
    for vm_id in range(first_id, first_id + 4):
        guest = made.guest(vm_id)
        assert guest["status"] == "running" and guest["host_keys"][0].startswith("ssh-ed25519 ")
        assert site.pve.call("GET", f"/nodes/pve/qemu/{vm_id}/status/current").json()["data"]["status"] == "running"
    calls = dict(made.requests["by"])
    polls = calls.pop("GET /nodes/{node}/tasks")
    assert calls.pop("GET /cluster/resources") == 1
    assert calls.pop("POST /nodes/{node}/startall") == 1
    probes = calls.pop("GET /nodes/{node}/qemu/{vmid}/agent/file-read")
    per_guest = {call: number for call, number in calls.items() if not call.startswith("GET")}
    assert sum(per_guest.values()) + min(probes, 4) <= 5 * 4
    preflight = sum(number for call, number in calls.items() if call.startswith("GET"))
    assert preflight <= 8, calls
    assert polls <= 5 + 1.5 * seconds, "the polls are about one for each second of the run"


def test_a_second_run_reads_once_per_guest_and_changes_nothing(site: Site, first_id: int) -> None:
    guests = four(first_id)
    site.run(guests)
    again = site.run(guests)
    assert not again.changed and not again.failed
    assert again.requests["by"] == {"GET /cluster/resources": 1, "GET /nodes/{node}/qemu/{vmid}/pending": 4}


def test_the_fast_check_is_one_request(site: Site, first_id: int) -> None:
    guests = four(first_id)
    site.run(guests)
    again = site.run(guests, verify="fast")
    assert not again.changed and again.requests["by"] == {"GET /cluster/resources": 1}
    guests[1]["cores"] = 3
    assert site.run(guests, check=True, verify="fast").effects(first_id + 1) == {"cores": "needs reboot"}


def test_a_check_run_plans_the_same_and_writes_nothing(site: Site, first_id: int) -> None:
    guests = four(first_id)
    before = site.ids()
    planned = site.run(guests, check=True)
    assert planned.changed and planned.writes() == {} and site.ids() == before
    assert f"guest-{first_id} ({first_id}) on pve:" in planned.result["diff"]["after"]
    made = site.run(guests)
    assert [guest["operations"] for guest in made.result["guests"]] == [
        guest["operations"] for guest in planned.result["guests"]
    ]


def test_a_control_plane_is_copied_and_a_worker_is_linked(site: Site, first_id: int) -> None:
    made = site.run(four(first_id))
    text = [made.guest(first_id + number)["operations"][0]["text"] for number in (0, 1)]
    assert "(full)" in text[0] and "(linked)" in text[1]


def test_destroying_needs_its_limit_and_leaves_no_volume(site: Site, first_id: int) -> None:
    guests = four(first_id)
    site.run(guests)
    refused = site.run(guests, state="absent")
    assert refused.failed and "max_destroy allows 1" in refused.message and refused.writes() == {}
    gone = site.run(guests, state="absent", max_destroy=4)
    assert not gone.failed and gone.changed
    assert all(guest["status"] == "absent" for guest in gone.result["guests"])
    assert not site.ids() & {guest["vm_id"] for guest in guests}
    assert [site.volumes(guest["vm_id"]) for guest in guests] == [[], [], [], []]
    assert not site.run(guests, state="absent").changed


def test_a_protected_guest_is_not_destroyed(site: Site, first_id: int) -> None:
    guests = [row(first_id, protection=True)]
    site.run(guests)
    refused = site.run(guests, state="absent")
    assert refused.failed and "is protected" in refused.message and first_id in site.ids()


def test_a_row_that_is_gone_leaves_an_orphan_that_is_told(site: Site, first_id: int) -> None:
    site.run([row(first_id), row(first_id + 1)])
    after = site.run([row(first_id)])
    assert not after.changed
    assert [orphan["vm_id"] for orphan in after.result["orphans"]] == [first_id + 1]
    assert "its row is gone from the table" in after.warnings
    assert first_id + 1 in site.ids()


def test_a_changed_id_makes_no_second_guest_of_the_same_name_or_address(site: Site, first_id: int) -> None:
    old, new, kept = row(first_id), first_id + 1, row(first_id + 2)
    assert not site.run([old, kept]).failed
    for moved, text in (
        ({**old, "vm_id": new}, f"guest-{first_id} ({new}): guest-{first_id} ({first_id}) on pve, which this site owns"),
        ({**old, "vm_id": new, "name": "other"}, f"is the address of guest-{first_id} ({first_id}) on pve, which this"),
    ):
        for check in (True, False):
            refused = site.run([moved, kept], check=check)
            assert refused.failed and text in refused.message and refused.writes() == {}, refused.message
            assert "which runs" in refused.message and f"keep vm_id {first_id} in the table" in refused.message
    assert new not in site.ids()
    assert not site.run([row(new), kept]).failed


def make_stranger(site: Site, vm_id: int) -> None:
    upid = site.pve.api().nodes("pve").qemu.post(vmid=vm_id, name="stranger", memory=512, cores=1, scsi0="local-lvm:20")
    assert site.pve.wait(upid) == "OK"


def test_a_strangers_guest_is_refused_with_all_other_problems_before_any_write(site: Site, first_id: int) -> None:
    make_stranger(site, first_id)
    before = site.config(first_id)
    wrong = row(first_id + 1, networks=[{"bridge": "vmbr7", "addresses": ["dhcp"]}], storage="nowhere")
    refused = site.run([row(first_id), wrong, row(first_id + 2, template=4711), row(first_id + 3, pve_node="pve9")])
    for text in (
        "has no marker",
        "bridge vmbr7 is not on node pve",
        "storage nowhere is not on node pve",
        "template 4711 is not there",
        "node pve9 does not exist",
    ):
        assert text in refused.message
    assert refused.writes() == {} and site.config(first_id) == before


def test_two_sites_share_one_proxmox(site: Site, first_id: int) -> None:
    other = Site(site.pve, site.folder / "other", f"other{first_id}")
    assert not site.run([row(first_id)]).failed and not other.run([row(first_id + 1)]).failed
    refused = other.run([row(first_id), row(first_id + 1)])
    assert refused.failed and f"it carries the tag dvz-site-{site.name}, so another site owns it" in refused.message
    assert other.run([row(first_id)], state="absent").failed and first_id in site.ids()
    assert site.run([row(first_id)]).result["orphans"] == []


def test_a_guest_whose_tag_was_taken_away_is_no_longer_ours(site: Site, first_id: int) -> None:
    site.run([row(first_id)])
    site.pve.api().nodes("pve").qemu(first_id).config.put(tags="mine")
    before = site.config(first_id)
    for wanted in ("started", "absent"):
        refused = site.run([row(first_id)], state=wanted)
        assert refused.failed and f"its tag dvz-site-{site.name} was taken away" in refused.message
        assert refused.writes() == {} and site.config(first_id) == before


def test_adopting_writes_the_marker_and_nothing_more(site: Site, first_id: int) -> None:
    make_stranger(site, first_id)
    before = site.config(first_id)
    adopted = site.run([row(first_id)], adopt=[first_id])
    assert not adopted.failed and adopted.steps(first_id) == ["config"]
    after = site.config(first_id)
    changed = {key for key in before | after if before.get(key) != after.get(key)} - {"digest"}
    assert changed == {"tags", "description"}
    assert "the next run would set cores" in adopted.warnings
    converged = site.run([row(first_id)])
    assert not converged.failed and site.config(first_id)["cores"] == 2
    assert not site.run([row(first_id)]).changed


def test_a_saved_plan_is_applied_as_it_is(site: Site, first_id: int) -> None:
    plan = str(site.folder / "plan.json")
    saved = site.run(four(first_id), check=True, plan_file=plan)
    assert saved.changed and saved.writes() == {}
    applied = site.run(four(first_id), plan_file=plan)
    assert not applied.failed and applied.result["summary"]["create"] == 4
    assert oct((site.folder / "plan.json").stat().st_mode)[-3:] == "600"


def test_a_saved_plan_is_refused_when_proxmox_or_the_table_has_moved(site: Site, first_id: int) -> None:
    plan = str(site.folder / "plan.json")
    site.run([row(first_id)])
    wanted = [row(first_id, cores=4)]
    site.run(wanted, check=True, plan_file=plan)
    other_table = site.run([row(first_id, cores=3)], plan_file=plan)
    assert other_table.failed and "the table or the options have changed" in other_table.message
    site.pve.call("PUT", f"/nodes/pve/qemu/{first_id}/config", None, onboot=0)
    moved = site.run(wanted, plan_file=plan)
    assert moved.failed and "has moved since the plan was saved" in moved.message
    assert other_table.writes() == moved.writes() == {}
    missing = site.run(wanted, plan_file=str(site.folder / "none.json"))
    assert missing.failed and "does not exist; make it with a check run" in missing.message


def test_a_template_of_another_shape_is_matched(site: Site, first_id: int) -> None:
    template = first_id + 9
    api = site.pve.api().nodes("pve")
    upid = api.qemu.post(
        vmid=template,
        name="seabios",
        memory=512,
        cores=1,
        scsihw="virtio-scsi-pci",
        virtio0="local-lvm:8",
        ide2="local-lvm:cloudinit",
        net0="virtio,bridge=vmbr0",
    )
    assert site.pve.wait(upid) == "OK"
    assert site.pve.wait(api.qemu(template).template.post()) == "OK"
    data = [{"size_gb": 10}, {"name": "data", "size_gb": 5}]
    made = site.run([row(first_id, template=template, disks=data)])
    assert not made.failed, made.message
    config = site.config(first_id)
    assert "size=10G" in config["virtio0"] and "serial=data" in config["virtio1"] and "bios" not in config
    assert not site.run([row(first_id, template=template, disks=data)]).changed


def test_two_runs_for_one_site_do_not_meet(site: Site, first_id: int) -> None:
    site.pve.fault("task_hold", task="qmclone")
    first = site.start(four(first_id))
    until_held(site.pve, first)
    second = site.run(four(first_id))
    assert second.failed and "is being worked on by process" in second.message
    site.pve.clear_faults()
    output, errors = first.communicate(timeout=300)
    assert not json.loads(output).get("failed"), output
