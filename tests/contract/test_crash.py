"""A power cut in the middle of work: the state on disk is whole, and work stands as a killed host leaves it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lab.pve.process import Emulator
from tests.contract.machines import Api

pytestmark = pytest.mark.emulator_only("the host is killed in the middle of work")


def busy(pve: Emulator) -> list[str]:
    """Tasks of many kinds at once; their UPIDs."""
    api = Api(pve)
    work = [api.post("9000/clone", newid=vmid, pool="crash") for vmid in (911, 912, 913)]
    work.append(api.post("9000/clone", newid=914, full=1))
    work.append(api.post("901/config", scsi1="local-lvm:1", description="a change"))
    work.append(api.put("902/resize", disk="scsi0", size="3G"))
    work.append(api.post("903/status/start"))
    work.append(api.delete("904", purge=1))
    return work


def drives_of(config: dict[str, Any]) -> list[str]:
    """Volume ids in a configuration."""
    return [value.split(",")[0] for key, value in config.items()
            if key.rstrip("0123456789") in ("scsi", "ide", "efidisk", "unused") and key[-1].isdigit()]


@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.1, 0.25, 0.6])
def test_power_cut(make_pve, seconds):
    pve = make_pve(with_template=True, time_scale=0.1)
    api = Api(pve)
    api.post("/pools", poolid="crash")
    for vmid in (901, 902, 903, 904):
        api.blank(vmid, scsi0="local-lvm:1")
    upids = busy(pve)
    time.sleep(seconds)
    pve.kill()
    pve.restart()
    api = Api(pve)

    ends = {upid: api.get(f"/nodes/pve/tasks/{upid}/status") for upid in upids}
    assert {end["status"] for end in ends.values()} == {"stopped"}
    assert {end["exitstatus"] for end in ends.values()} <= {"OK", "unexpected status"}
    assert api.get("/nodes/pve/tasks", source="active") == []

    guests = {row["vmid"]: row for row in api.get("/nodes/pve/qemu")}
    members = {member["vmid"] for member in api.get("/pools/crash").get("members", [])}
    assert members <= set(guests)
    volumes = api.volumes()
    for vmid in guests:
        config = api.config(vmid)
        if vmid != 904 or ends[upids[-1]]["exitstatus"] == "OK":  # half destroyed: some of its volumes are gone
            assert set(drives_of(config)) <= volumes, vmid
        if vmid > 904 and vmid != 9000:
            finished = ends[next(upid for upid, number in zip(upids, (911, 912, 913, 914)) if number == vmid)]
            # The other way round need not hold: the lock goes a moment before the task's end is written down.
            assert "lock" not in config or finished["exitstatus"] != "OK"
    for vmid in sorted(set(guests) - {9000}):
        if "lock" in api.config(vmid):
            assert api.ends(api.delete(f"{vmid}")) == "VM is locked (clone)"
            continue
        if api.get(f"{vmid}/status/current")["status"] == "running":
            api.stop(vmid)
        api.remove(vmid)
    assert api.clone(920)["scsi0"].startswith("local-lvm:vm-920-disk-")
