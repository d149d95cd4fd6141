"""Guests that do not come up, edits by somebody else that do not end, and full storages before the first write."""

from __future__ import annotations

from tests.emulated.clone_runs import Site, row
from tests.emulated.waiting import until

CONFIG = "POST /nodes/{node}/qemu/{vmid}/config"


def listed_as(site: Site, vm_id: int, status: str) -> None:
    """Wait until the list, which lags behind by ten emulated seconds, says so."""

    def listed() -> bool:
        rows = site.pve.call("GET", "/cluster/resources", type="vm").json()["data"]
        return next(row for row in rows if row["vmid"] == vm_id)["status"] == status

    until(listed, f"guest {vm_id} as {status} in the list")


def test_a_guest_that_never_boots_is_told_with_what_to_look_at_and_the_others_come_up(
    site: Site, first_id: int
) -> None:
    site.pve.fault("boot_failure", vmid=first_id)
    guests = [row(first_id), row(first_id + 1)]
    site.make(guests)
    done = site.run(guests, wait="agent", timeout=10)
    assert done.failed and done.guest(first_id + 1)["host_keys"]
    whole = done.guest(first_id)["error"]
    for text in (
        f"guest-{first_id} ({first_id}): wait for agent",
        "its time is over",
        "`qm terminal",
        "QEMU guest agent is not running",
    ):
        assert text in whole, whole
    site.pve.clear_faults()
    site.pve.api().nodes("pve").qemu(first_id).status.stop.post()
    listed_as(site, first_id, "stopped")
    mended = site.run(guests, wait="agent")
    assert not mended.failed and mended.guest(first_id)["host_keys"]
    assert not site.run(guests).changed


def test_an_agent_that_never_comes_up_says_so_where_ssh_answers(site: Site, first_id: int) -> None:
    """Nothing listens at the guest's address here, so it is SSH that is named."""
    site.pve.fault("agent_never_up", vmid=first_id)
    site.make([row(first_id)])
    done = site.run([row(first_id)], wait="ssh", timeout=8)
    whole = done.guest(first_id)["error"]
    for text in (
        f"guest-{first_id} ({first_id}): wait for ssh",
        "port 22",
        row(first_id)["networks"][0]["addresses"][0].split("/")[0],
    ):
        assert text in whole, whole
    assert not site.run([row(first_id)], wait="ssh").changed


def test_somebody_who_edits_again_and_again_is_not_overwritten(site: Site, first_id: int) -> None:
    site.run([row(first_id)])
    before = site.config(first_id)
    text = "checksum mismatch (file change by other user?)"
    site.pve.fault("status", method="POST", path="/nodes/{node}/qemu/{vmid}/config", status=500, text=text)
    done = site.run([row(first_id, cores=4)], timeout=10)
    whole = done.guest(first_id)["error"]
    for part in (f"guest-{first_id} ({first_id}): configure cores", text, "its time is over"):
        assert part in whole, whole
    assert site.config(first_id) == before
    site.pve.clear_faults()
    assert not site.run([row(first_id, cores=4)]).failed
    assert not site.run([row(first_id, cores=4)]).changed


def test_the_end_of_the_time_hides_no_earlier_failure(site: Site, first_id: int) -> None:
    """The look at the guest after the failure takes all the time that is left."""
    site.run([row(first_id)])
    text = "checksum mismatch (file change by other user?)"
    site.pve.fault("status", method="POST", path="/nodes/{node}/qemu/{vmid}/config", status=500, text=text)
    site.pve.fault("delay", method="GET", path="/nodes/{node}/qemu/{vmid}/pending", nth=2, seconds=140)
    done = site.run([row(first_id, cores=4)], timeout=6)
    whole = done.guest(first_id)["error"]
    for part in (f"guest-{first_id} ({first_id}): configure cores", text, "its time is over"):
        assert part in whole, whole


def test_a_guest_that_was_killed_while_it_was_waited_for_needs_nothing_more(site: Site, first_id: int) -> None:
    site.run_until("GET /nodes/{node}/qemu/{vmid}/agent/file-read", [row(first_id), row(first_id + 1)], wait="agent")
    again = site.run([row(first_id), row(first_id + 1)], wait="agent")
    assert not again.failed and not again.changed and again.writes() == {}


def test_a_storage_without_room_is_told_before_the_first_write(site: Site, first_id: int) -> None:
    """A thick storage refuses, a thin one only warns."""
    site.pve.api().storage.post(storage=f"thick{first_id}", type="lvm", vgname="vg", content="images")
    data = {"name": "data", "size_gb": 131072}
    thick = row(first_id, disks=[{"size_gb": 20}, {**data, "storage": f"thick{first_id}"}])
    refused = site.run([thick])
    assert refused.failed and refused.writes() == {}
    assert (
        f"storage thick{first_id} on node pve has" in refused.message
        and "free some, or make the disks smaller" in refused.message
    )
    thin = site.run([row(first_id, disks=[{"size_gb": 20}, data])], check=True)
    assert not thin.failed and thin.writes() == {} and "it is thin, so they fit until they are filled" in thin.warnings
