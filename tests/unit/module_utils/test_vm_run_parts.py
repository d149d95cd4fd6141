# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The small parts of a run: sizes, deadlines, plan files, the site's lock, progress lines, addresses, error classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.action.proxmox_vm_clone import line_of
from ansible_collections.detectviz.infra.plugins.module_utils import _address_probe, _plan_file, _sizes
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._errors import DeadlineError, InfraError, LockedError
from ansible_collections.detectviz.infra.plugins.module_utils._progress import Progress
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_session import Connection
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError, Reason, TaskError, reason_of
from ansible_collections.detectviz.infra.plugins.module_utils._site_lock import site_lock
from ansible_collections.detectviz.infra.plugins.module_utils._task_watcher import TaskWatcher
from ansible_collections.detectviz.infra.plugins.module_utils._vm_waits import usable_addresses
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.fake_clock import FakeClock


class Tasks:
    """A node whose tasks end after a number of polls; stands for the API client."""

    def __init__(self, endings: dict[str, tuple[int, str]]) -> None:
        self.endings = endings
        self.polls = 0
        self.calls: list[str] = []

    def get(self, path: str, **params: Any) -> Any:
        self.calls.append(path)
        if path.endswith("/log"):
            return [{"n": 1, "t": "starting"}, {"n": 2, "t": "TASK ERROR: no space"}]
        if path.endswith("/status"):
            return {"status": "stopped", "exitstatus": "OK"}
        self.polls += 1
        return [
            {
                "upid": upid,
                "type": upid.split(":")[5],
                "id": upid.split(":")[6],
                "status": text if self.polls >= polls else "RUNNING",
            }
            for upid, (polls, text) in self.endings.items()
        ]


UPID = "UPID:pve:000A:000B:6550:qmclone:9000:root@pam:"


def test_an_open_console_is_nobody_at_work() -> None:
    upids = [f"UPID:pve:000A:000B:6550:{kind}:9000:root@pam:" for kind in ("vncproxy", "spiceproxy", "vncshell", "termproxy")]
    tasks, clock = Tasks({upid: (1000, "OK") for upid in [*upids, UPID]}), FakeClock()
    watcher = TaskWatcher(tasks, "pve", clock)
    assert [row["type"] for row in watcher.running(Deadline.after(clock, 100, "test"))] == ["qmclone"]


def test_a_watcher_waits_for_the_end_with_polls_that_grow_rarer() -> None:
    clock, tasks = FakeClock(), Tasks({UPID: (10, "OK")})
    TaskWatcher(tasks, "pve", clock).wait(UPID, Deadline.after(clock, 100, "test"))
    assert tasks.polls == 10
    assert 10 <= clock.time - 1000 <= 20, "about one poll per second or fewer"


def test_a_failed_task_is_told_with_its_last_log_lines() -> None:
    clock, tasks = FakeClock(), Tasks({UPID: (1, "no space")})
    with pytest.raises(TaskError) as caught:
        TaskWatcher(tasks, "pve", clock).wait(UPID, Deadline.after(clock, 100, "test"))
    assert "no space" in str(caught.value) and "TASK ERROR" in str(caught.value) and UPID in str(caught.value)


def test_warnings_are_success() -> None:
    clock = FakeClock()
    watcher = TaskWatcher(Tasks({UPID: (1, "WARNINGS: 2")}), "pve", clock)
    watcher.wait(UPID, Deadline.after(clock, 100, "test"))


def test_a_task_that_the_list_does_not_show_is_asked_for_itself() -> None:
    clock, tasks = FakeClock(), Tasks({})
    TaskWatcher(tasks, "pve", clock).wait(UPID, Deadline.after(clock, 100, "test"))
    assert f"nodes/pve/tasks/{UPID}/status" in tasks.calls


def test_a_deadline_ends_the_wait_and_says_for_what() -> None:
    clock, tasks = FakeClock(), Tasks({UPID: (10**6, "OK")})
    with pytest.raises(DeadlineError, match="master-1: its time is over while waiting for task UPID"):
        TaskWatcher(tasks, "pve", clock).wait(UPID, Deadline.after(clock, 30, "master-1"))
    assert clock.time <= 1031


def test_an_inner_deadline_never_outlives_the_outer() -> None:
    clock = FakeClock()
    assert Deadline.after(clock, 500, "guest", Deadline.after(clock, 10, "run")).left() == 10


@given(st.integers(0, 2**50))
def test_a_size_printed_reads_as_the_same_number(size: int) -> None:
    assert _sizes.to_bytes(_sizes.human(size)) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "10GB", "1,5G"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InfraError):
        _sizes.to_bytes(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout", Reason.LOCK_TIMEOUT),
        ("cfs-lock 'storage-ceph' error: got lock request timeout", Reason.LOCK_TIMEOUT),
        ("VM is locked (clone)", Reason.LOCK_TIMEOUT),
        ("unable to create VM 100: config file already exists", Reason.ID_TAKEN),
        ("checksum mismatch (file change by other user?)", Reason.CHANGED),
        ("Configuration file 'nodes/pve/qemu-server/100.conf' does not exist", Reason.MISSING),
        ("VM 100 already running", Reason.ALREADY_RUNNING),
        ("QEMU guest agent is not running", Reason.AGENT_DOWN),
        ("VM 100 is not running", Reason.NOT_RUNNING),
        ("unexpected status", Reason.KILLED),
        ("shrinking disks is not supported", Reason.OTHER),
    ],
)
def test_texts_of_proxmox_are_told_apart(text: str, reason: Reason) -> None:
    assert reason_of(text) is reason


def test_only_a_500_is_judged_by_its_text() -> None:
    assert ApiError("POST", "x", 400, "got timeout").reason is Reason.OTHER


def test_an_error_names_the_call_the_status_and_each_parameter() -> None:
    error = ApiError("POST", "nodes/pve/qemu/1/config", 400, "Parameter verification failed.\n", {"net0": "bad\n"})
    assert str(error) == "POST /nodes/pve/qemu/1/config answered 400: Parameter verification failed.; net0: bad"


def test_a_token_may_be_named_with_or_without_its_user() -> None:
    assert Connection("h", user="a@pve", token_id="t").identity == "a@pve!t"
    assert Connection("h", token_id="a@pve!t").identity == "a@pve!t"
    assert Connection("fd00::1").base_url == "https://[fd00::1]:8006/api2/json"


def test_a_plan_is_the_same_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "plans" / "p.json"
    plan = _plan_file.make("demo", "started", "abc", [{"vm_id": 1, "steps": [{"x": (1, 2)}]}])
    _plan_file.save(path, plan)
    _plan_file.check(path, plan)
    for change, text in (
        ({"site": "other"}, "is for site 'demo'"),
        ({"state": "absent"}, "is for state 'started'"),
        ({"observed": "x"}, "has moved since"),
        ({"guests": []}, "the table or the options have changed"),
    ):
        with pytest.raises(InfraError, match=text):
            _plan_file.check(path, {**plan, **change})


def test_garbage_is_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InfraError, match="is not a plan"):
        _plan_file.check(path, {})


def test_a_site_is_locked_once_and_free_again_afterwards(tmp_path: Path) -> None:
    with site_lock("demo", tmp_path), pytest.raises(LockedError, match="site demo is being worked on by process"):
        with site_lock("demo", tmp_path):
            raise AssertionError("entered twice")
    with site_lock("demo", tmp_path):
        pass


def test_progress_is_whole_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    Progress(str(path)).say("master-1", "clone", "done")
    Progress(None).say("master-1", "clone", "done")
    assert json.loads(path.read_text(encoding="utf-8")) == {"guest": "master-1", "step": "clone", "state": "done"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"guest": "a", "step": "clone", "state": "done"}', "  a: clone: done"),
        ('{"guest": "a", "step": "clone", "state": "failed: no space\\nlog"}', "  a: clone: failed (no space)"),
        ('{"guest": "a", "step": "clone", "state": "start"}', None),
        ("{", None),
        ("[]", None),
    ],
)
def test_a_progress_line_is_shown_when_a_step_ends(text: str, shown: str | None) -> None:
    line = line_of(text)
    assert (line[0] if line else None) == shown


def test_only_networks_of_this_machine_are_probed() -> None:
    routes = (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    assert [str(network) for network in _address_probe.local_networks(routes)] == ["192.168.0.0/24"]


def test_global_networks_of_ipv6_are_probed_too() -> None:
    interfaces = (
        "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n"
        "20010db8000000000000000000000002 04 40 00 80     eth0\n"
        "00000000000000000000000000000001 01 80 10 80       lo\n"
    )
    assert [str(network) for network in _address_probe.local_networks6(interfaces)] == ["2001:db8::/64"]


def test_a_neighbour_without_a_hardware_address_is_none() -> None:
    table = (
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        "192.168.0.1      0x1         0x2         02:00:00:00:00:01     *        eth0\n"
        "192.168.0.9      0x1         0x0         00:00:00:00:00:00     *        eth0\n"
    )
    assert _address_probe.neighbours(table) == {"192.168.0.1"}


def test_addresses_of_the_agent_leave_out_loopback_link_local_and_container_bridges() -> None:
    def card(name: str, *addresses: str) -> dict[str, Any]:
        return {"name": name, "ip-addresses": [{"ip-address": address} for address in addresses]}

    answer = {
        "result": [
            card("lo", "127.0.0.1"),
            card("eth0", "10.0.0.5", "fe80::1"),
            card("docker0", "172.17.0.1"),
            {"name": "eth1"},
        ]
    }
    assert usable_addresses(answer) == ["10.0.0.5"]
