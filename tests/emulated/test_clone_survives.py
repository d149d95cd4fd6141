"""proxmox_vm_clone after a kill at each step, with answers that never come, and with little permission."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulated.clone_runs import Site, row

DATA = [{"name": "system", "size_gb": 20}, {"name": "data", "size_gb": 10}]
CLONE = "/nodes/{node}/qemu/{vmid}/clone"
CONFIG = "/nodes/{node}/qemu/{vmid}/config"
RESIZE = "/nodes/{node}/qemu/{vmid}/resize"


def pair(first: int) -> list[dict[str, Any]]:
    return [row(first, disks=DATA), row(first + 1, disks=DATA)]


def assert_whole(site: Site, first: int) -> None:
    """Both guests are there once, as wanted, running, with no volume too many."""
    for vm_id in (first, first + 1):
        config = site.config(vm_id)
        assert "size=20G" in config["scsi0"] and "size=10G" in config["scsi1"]
        assert not [key for key in config if key.startswith("unused")]
        assert len(site.volumes(vm_id)) == 4  # system, EFI, data, cloud-init
        status = site.pve.call("GET", f"/nodes/pve/qemu/{vm_id}/status/current").json()["data"]["status"]
        assert status == "running"
    assert not site.run(pair(first)).changed


@pytest.mark.parametrize("call", [f"POST {CLONE}", f"POST {CONFIG}", f"PUT {RESIZE}", "POST /nodes/{node}/startall"])
def test_a_second_run_repairs_what_a_killed_one_left(site: Site, first_id: int, call: str) -> None:
    site.run_until(call, pair(first_id))
    repaired = site.run(pair(first_id))
    assert not repaired.failed, repaired.message
    assert_whole(site, first_id)


@pytest.mark.parametrize(
    ("action", "rule"),
    [
        ("status596_after_work", {"method": "POST", "path": CLONE}),
        ("status596_after_work", {"method": "POST", "path": CONFIG}),
        ("status596_after_work", {"method": "PUT", "path": RESIZE}),
        ("status596_after_work", {"method": "POST", "path": "/nodes/{node}/startall"}),
        ("reset_after_write", {"method": "POST", "path": CONFIG}),
        ("reset_before_work", {"method": "POST", "path": CLONE}),
        ("task_death", {"task": "qmclone"}),
        ("task_death", {"task": "qmconfig"}),
        ("lock_timeout", {"lock": "storage"}),
        (
            "status",
            {
                "method": "PUT",
                "path": RESIZE,
                "status": 500,
                "text": "can't lock file '/var/lock/qemu-server/lock-1.conf' - got timeout",
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.get("path") or value.get("task") or "storage"),
)
def test_a_passing_fault_is_survived(site: Site, first_id: int, action: str, rule: dict[str, Any]) -> None:
    site.pve.fault(action, count=1, **rule)
    done = site.run(pair(first_id))
    assert not done.failed, done.message
    assert_whole(site, first_id)


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ("status596_after_work", "/nodes/{node}/qemu/{vmid}"),
        ("status596_after_work", "/nodes/{node}/qemu/{vmid}/status/shutdown"),
        ("reset_before_work", "/nodes/{node}/qemu/{vmid}"),
    ],
)
def test_a_destroy_without_an_answer_is_looked_after(site: Site, first_id: int, action: str, path: str) -> None:
    site.run(pair(first_id))
    site.pve.fault(action, count=1, path=path, vmid=first_id, method="POST" if "status" in path else "DELETE")
    gone = site.run(pair(first_id), state="absent", max_destroy=2)
    assert not gone.failed, gone.message
    assert not site.ids() & {first_id, first_id + 1} and site.volumes(first_id) == []


def test_a_foreign_edit_between_reading_and_writing_is_read_again(site: Site, first_id: int) -> None:
    site.run(pair(first_id))
    text = site.config(first_id)["description"]
    site.pve.fault("foreign_edit", count=1, vmid=first_id, text=f"a note by hand\n\n{text}")
    wanted = [row(first_id, disks=DATA, cores=4), row(first_id + 1, disks=DATA)]
    done = site.run(wanted)
    assert not done.failed, done.message
    assert int(site.config(first_id)["cores"]) == 4
    assert "a note by hand" in site.config(first_id)["description"]


def test_a_guest_that_lost_its_marker_meanwhile_is_not_written_to(site: Site, first_id: int) -> None:
    site.run(pair(first_id))
    site.pve.fault("foreign_edit", count=1, vmid=first_id, text="mine now")
    done = site.run([row(first_id, disks=DATA, cores=4), row(first_id + 1, disks=DATA)])
    assert done.failed and "has the tag" in done.message and "but no marker line" in done.message
    assert int(site.config(first_id)["cores"]) == 2


def test_a_failing_guest_is_named_with_step_task_and_log_and_the_others_go_on(site: Site, first_id: int) -> None:
    site.pve.fault("task_error", task="resize", vmid=first_id, text="the pool is on fire")
    done = site.run(pair(first_id))
    assert done.failed
    for text in (f"guest-{first_id} ({first_id})", "grow scsi0 to 20 GiB", "UPID:pve:", "the pool is on fire"):
        assert text in done.message
    assert done.guest(first_id)["status"] == "failed" and done.guest(first_id + 1)["status"] == "running"
    site.pve.clear_faults()
    assert not site.run(pair(first_id)).failed
    assert_whole(site, first_id)


def test_a_guest_whose_agent_never_comes_ends_at_its_own_deadline(site: Site, first_id: int) -> None:
    site.pve.fault("agent_never_up", vmid=first_id)
    site.make(pair(first_id))
    done = site.run(pair(first_id), wait="agent", timeout=10)
    assert done.failed and "the agent of" in done.message
    assert done.guest(first_id + 1)["host_keys"]


def small_token(site: Site, first_id: int) -> Site:
    """The same site with a token that may just make machines in one pool, as the documentation grants it."""
    api, pool, user = site.pve.api(), f"pool{first_id}", f"u{first_id}@pve"
    privileges = {
        "Guests": "VM.Allocate,VM.Audit,VM.PowerMgmt,VM.GuestAgent.Audit,VM.GuestAgent.FileRead,Pool.Audit,"
        + ",".join(
            f"VM.Config.{name}"
            for name in ("CPU", "Memory", "Disk", "CDROM", "Network", "HWType", "Options", "Cloudinit")
        ),
        "Template": "VM.Clone,VM.Audit",
        "Storage": "Datastore.AllocateSpace,Datastore.Audit",
        "Bridge": "SDN.Use",
    }
    api.pools.post(poolid=pool)
    api.access.users.post(userid=user)
    secret = api.access.users(user).token("small").post(privsep=0)["value"]
    for role, path in (
        ("Guests", f"/pool/{pool}"),
        ("Template", "/vms/9000"),
        ("Storage", "/storage/local-lvm"),
        ("Bridge", "/sdn/zones/localnetwork/vmbr0"),
    ):
        api.access.roles.post(roleid=f"{role}{first_id}", privs=privileges[role])
        api.access.acl.put(path=path, users=user, roles=f"{role}{first_id}")
    return Site(site.pve, site.folder, site.name, (user, "small", secret))


def test_a_token_with_the_documented_privileges_is_enough(site: Site, first_id: int) -> None:
    small = small_token(site, first_id)
    guests = [row(first_id, pool=f"pool{first_id}", disks=DATA)]
    made = small.run(guests, wait="agent")
    assert not made.failed, made.message
    assert "may do far more" not in made.warnings
    administrator = site.run([row(first_id + 1)], check=True)
    assert "may do far more than this needs (Permissions.Modify" in administrator.warnings
    assert sum(made.writes().values()) - made.writes()["POST /nodes/{node}/startall"] <= 3
    assert made.requests["by"]["GET /cluster/nextid"] == 1
    assert not small.run(guests).changed
    assert not small.run(guests, state="absent").failed


def test_an_id_of_a_guest_that_the_token_may_not_see_is_refused(site: Site, first_id: int) -> None:
    site.run([row(first_id)])
    small = small_token(site, first_id)
    refused = small.run([row(first_id, pool=f"pool{first_id}")])
    assert refused.failed and "is taken by a guest that the token may not see" in refused.message
    assert refused.writes() == {}


def test_missing_privileges_are_named_with_their_paths_at_once(site: Site, first_id: int) -> None:
    small = small_token(site, first_id)
    site.pve.api().access.acl.put(
        path="/storage/local-lvm", users=f"u{first_id}@pve", roles=f"Storage{first_id}", delete=1
    )
    site.pve.api().access.roles(f"Guests{first_id}").put(privs="VM.Allocate,VM.Audit,Pool.Audit")
    refused = small.run([row(first_id, pool=f"pool{first_id}")])
    assert refused.failed and refused.writes() == {}
    assert f"lacks VM.Config.Disk on /pool/pool{first_id}" in refused.message
    assert "Datastore" in refused.message
