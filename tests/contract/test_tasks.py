"""Workers: UPIDs, logs, ends, lists, locks, and what a killed host leaves (facts/proxmox 1.3, 5.3)."""

from __future__ import annotations

import asyncio
import re

import pytest

from lab.pve.clock import Clock
from lab.pve.context import Origin
from lab.pve.errors import ApiError, LockTimeout, TaskError
from lab.pve.faults import Faults
from lab.pve.locks import Locks
from lab.pve.tasks import Tasks, exit_status, parse_upid
from lab.pve.workers import Workers
from tests.contract.test_permissions import person

pytestmark = pytest.mark.emulator_only("tasks are held or killed, guests are many, or the host is restarted")

UPID_TEXT = re.compile(r"^UPID:[^:]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:qmcreate:\d+:[^:]+:$")
NO_SUCH_TASK = "UPID:{node}:0000ABCD:0000ABCD:65000000:qmstart:100:{user}:"


class Host:
    """The few parts of a world that tasks need."""

    def __init__(self, folder):
        self.clock = Clock(0.01)
        self.faults = Faults()
        self.locks = Locks(self.clock, self.faults)
        self.tasks = Tasks(self, folder)

    def start(self, worker, kind="test"):
        return self.tasks.start(kind, "100", worker, node="pve", identity="root@pam",
                                origin=Origin("POST", "/x", "/x"))

    async def run(self, worker):
        upid = self.start(worker)
        await self.tasks.wait(upid)
        return upid


def outcome(folder, worker, **fault):
    """(exit status, log) of one worker."""

    async def go():
        host = Host(folder)
        if fault:
            host.faults.add(fault)
        upid = await host.run(worker)
        return host.tasks.status_of(upid), host.tasks.log(upid)

    return asyncio.run(go())


class TestEnd:
    def test_ok(self, tmp_path):
        async def worker(task):
            task.log("one\ntwo")

        assert outcome(tmp_path, worker) == ("OK", ["one", "two", "TASK OK"])

    def test_error(self, tmp_path):
        async def worker(task):
            raise TaskError("it broke")

        assert outcome(tmp_path, worker) == ("it broke", ["TASK ERROR: it broke"])

    def test_warnings(self, tmp_path):
        async def worker(task):
            task.warn("careful")

        assert outcome(tmp_path, worker) == ("WARNINGS: 1", ["WARN: careful", "TASK WARNINGS: 1"])

    def test_killed_worker_says_nothing_and_tidies_nothing(self, tmp_path):
        tidied = []

        async def worker(task):
            try:
                task.log("started")
                await task.sleep(1)
            finally:
                tidied.append(True)

        assert outcome(tmp_path, worker, action="task_death", after_lines=1) == ("unexpected status", ["started"])
        assert tidied == []

    def test_interrupted_worker_tidies_up(self, tmp_path):
        tidied = []

        async def go():
            host, began = Host(tmp_path), asyncio.Event()

            async def worker(task):
                try:
                    began.set()
                    await task.sleep(1000)
                finally:
                    tidied.append(True)

            upid = host.start(worker)
            await began.wait()
            host.tasks.stop(upid)
            return await host.tasks.wait(upid)

        assert asyncio.run(go()) == "received interrupt"
        assert tidied == [True]

    @pytest.mark.parametrize(("line", "status"), [
        ("TASK OK", "OK"), ("TASK ERROR: no space", "no space"), ("TASK WARNINGS: 2", "WARNINGS: 2"),
        ("anything", "unexpected status"), ("", "unexpected status"), ("TASK OK no", "unexpected status")])
    def test_the_last_line_of_the_log_tells(self, line, status):
        assert exit_status(line) == status

    def test_a_restarted_host_finds_its_dead_tasks(self, tmp_path):
        async def worker(task):
            task.log("halfway")
            await task.sleep(1000)

        async def first():
            upid = Host(tmp_path).start(worker)
            await asyncio.sleep(0.01)
            return upid

        async def second(upid):
            tasks = Host(tmp_path).tasks
            return tasks.status_of(upid), tasks.active(), tasks.log(upid)

        upid = asyncio.run(first())
        (tmp_path / "active").write_text(f'["{upid}"]')  # a kill -9 would not have emptied it
        log = tmp_path / upid
        log.write_text("halfway\n")
        (tmp_path / "index").unlink(missing_ok=True)
        assert asyncio.run(second(upid)) == ("unexpected status", [], ["halfway"])


class TestLocks:
    def run(self, tmp_path, go):
        return asyncio.run(go(Host(tmp_path)))

    def test_a_config_lock_times_out_with_the_known_text(self, tmp_path):
        async def go(host):
            async with host.locks.config(101):
                with pytest.raises(LockTimeout) as refused:
                    async with host.locks.config(101, timeout=1):
                        pass
                return str(refused.value)

        assert self.run(tmp_path, go) == "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"

    @pytest.mark.parametrize(("shared", "text"), [
        (False, "can't lock file '/var/lock/pve-manager/pve-storage-s' - got timeout"),
        (True, "cfs-lock 'storage-s' error: got lock request timeout")])
    def test_storage_locks_too(self, tmp_path, shared, text):
        async def go(host):
            async with host.locks.storage("pve", "s", shared=shared):
                with pytest.raises(LockTimeout) as refused:
                    async with host.locks.storage("pve", "s", shared=shared):
                        pass
                return str(refused.value)

        assert self.run(tmp_path, go) == text

    def test_local_storage_is_locked_per_node_shared_for_all(self, tmp_path):
        async def go(host):
            async with host.locks.storage("pve1", "s", shared=False), host.locks.storage("pve2", "s", shared=False):
                pass
            async with host.locks.storage("pve1", "s", shared=True):
                with pytest.raises(LockTimeout):
                    async with host.locks.storage("pve2", "s", shared=True):
                        pass

        self.run(tmp_path, go)

    def test_readers_share_writers_do_not(self, tmp_path):
        async def go(host):
            async with host.locks.config(101, shared=True), host.locks.config(101, shared=True):
                with pytest.raises(LockTimeout):
                    async with host.locks.config(101, timeout=1):
                        pass

        self.run(tmp_path, go)

    def test_a_killed_worker_s_lock_is_free_again(self, tmp_path):
        async def go(host):
            async def worker(task):
                async with host.locks.config(101):
                    task.log("have it")
                    await task.sleep(1000)

            host.faults.add({"action": "task_death", "after_lines": 1})
            await host.run(worker)
            async with host.locks.config(101, timeout=1):
                return True

        assert self.run(tmp_path, go)

    def test_waiters_come_in_one_after_the_other(self, tmp_path):
        async def go(host):
            inside, most = 0, 0

            async def one():
                nonlocal inside, most
                async with host.locks.storage("pve", "s", shared=False):
                    inside += 1
                    most = max(most, inside)
                    await asyncio.sleep(0.005)
                    inside -= 1

            await asyncio.gather(*(one() for _number in range(10)))
            return most

        assert self.run(tmp_path, go) == 1

    def test_a_fault_makes_any_lock_time_out(self, tmp_path):
        async def go(host):
            host.faults.add({"action": "lock_timeout", "lock": "pve-storage-", "count": 1})
            with pytest.raises(LockTimeout):
                async with host.locks.storage("pve", "s", shared=False):
                    pass
            async with host.locks.storage("pve", "s", shared=False):
                return True

        assert self.run(tmp_path, go)


def make_guest(pve, vmid, session=None):
    answer = pve.call("POST", "/nodes/pve/qemu", session, vmid=vmid, name=f"guest-{vmid}")
    assert answer.ok, answer.text
    return answer.json()["data"]


class TestApi:
    @pytest.mark.real
    def test_a_upid_has_the_nine_fields(self, host, node, guest):
        guest.remake()
        assert UPID_TEXT.match(guest.upid)
        task = parse_upid(guest.upid)
        assert (task["node"], task["id"]) == (node, str(guest.vmid))
        assert f"{task['user']}!{task['tokenid']}" == host.identity

    @pytest.mark.real
    def test_status_and_log_of_a_finished_task(self, host, node, guest):
        guest.remake()
        task = f"/nodes/{node}/tasks/{guest.upid}"
        status = host.call("GET", f"{task}/status").json()["data"]
        assert (status["status"], status["exitstatus"], status["type"]) == ("stopped", "OK", "qmcreate")
        log = host.call("GET", f"{task}/log").json()
        assert log["data"][-1]["t"] == "TASK OK"
        assert log["total"] == log["data"][-1]["n"]

    @pytest.mark.real
    def test_log_is_paged(self, host, node, guest):
        guest.remake()
        page = host.call("GET", f"/nodes/{node}/tasks/{guest.upid}/log", start=0, limit=1).json()
        assert len(page["data"]) == 1

    @pytest.mark.real
    @pytest.mark.parametrize(("upid", "text"), [
        ("nonsense", "unable to parse worker upid"), (NO_SUCH_TASK, "no such task")])
    def test_unknown_tasks(self, host, node, upid, text):
        answer = host.call("GET", f"/nodes/{node}/tasks/{upid.format(node=node, user=host.identity)}/status")
        assert (answer.status_code, answer.json()["errors"]) == (400, {"upid": text})

    @pytest.mark.real
    def test_a_log_that_is_not_there_says_so_in_a_line(self, host, node):
        upid = NO_SUCH_TASK.format(node=node, user=host.identity)
        assert host.call("GET", f"/nodes/{node}/tasks/{upid}/log").json() == {
            "data": [{"n": 1, "t": "unable to open file - No such file or directory"}], "total": 1}

    def test_one_list_shows_running_and_finished(self, pve):
        pve.fault("task_hold", vmid=304)
        finished, running = make_guest(pve, 303), make_guest(pve, 304)
        pve.wait(finished)
        listed = pve.call("GET", "/nodes/pve/tasks", source="all", limit=500).json()
        status = {task["upid"]: task["status"] for task in listed["data"]}
        assert (status[finished], status[running]) == ("OK", "RUNNING")
        assert listed["total"] == len(listed["data"])
        archive = [task["upid"] for task in pve.call("GET", "/nodes/pve/tasks").json()["data"]]
        assert finished in archive and running not in archive
        assert pve.call("DELETE", f"/nodes/pve/tasks/{running}").ok
        assert pve.wait(running) == "received interrupt"

    @pytest.mark.real
    def test_lists_are_filtered(self, host, node, guest):
        guest.remake()
        upid = guest.upid

        def listed(**wanted):
            wanted = {"source": "all", "vmid": guest.vmid, **wanted}
            return [task["upid"] for task in host.call("GET", f"/nodes/{node}/tasks", **wanted).json()["data"]]

        started = parse_upid(upid)["starttime"]
        assert upid in listed() and listed(vmid=999999998) == []
        assert upid in listed(since=started) and upid not in listed(since=started + 3600)
        assert upid not in listed(typefilter="qmstart") and upid not in listed(errors=1)
        assert upid in listed(typefilter="qmcreate") and upid not in listed(typefilter="qm")
        assert upid in listed(statusfilter="ok,warning")

    @pytest.mark.real
    def test_newest_first_and_paged(self, host, node, guest):
        upids = []
        for cores in (1, 2):
            upids.append(guest.post("config", cores=cores))
            guest.api.run(upids[-1])
        page = host.call("GET", f"/nodes/{node}/tasks", start=0, limit=2, vmid=guest.vmid).json()["data"]
        assert [task["upid"] for task in page] == upids[::-1]

    def test_a_token_sees_its_own_tasks_and_a_stranger_none(self, pve):
        maker = person(pve, "maker", path="/", roles="PVEVMAdmin")
        upid = make_guest(pve, 308, maker)
        other = person(pve, "stranger")
        own = pve.call("GET", "/nodes/pve/tasks", maker, source="all").json()["data"]
        assert [task["upid"] for task in own] == [upid]
        assert pve.call("GET", "/nodes/pve/tasks", other, source="all").json()["data"] == []
        assert pve.call("GET", f"/nodes/pve/tasks/{upid}/status", maker).ok
        refused = pve.call("GET", f"/nodes/pve/tasks/{upid}/status", other)
        assert refused.reason == "Permission check failed (/nodes/pve, Sys.Audit)"

    def test_cluster_tasks_hide_a_token_s_own_tasks_from_it(self, pve):
        maker = person(pve, "maker2", path="/", roles="PVEVMAdmin")
        pve.wait(make_guest(pve, 309, maker))
        assert pve.call("GET", "/cluster/tasks", maker).json()["data"] == []
        assert pve.call("GET", "/cluster/tasks").json()["data"] != []

    def test_cluster_tasks_show_25_at_most(self, pve):
        for vmid in range(400, 430):
            last = make_guest(pve, vmid)
        pve.wait(last)
        assert len(pve.call("GET", "/cluster/tasks").json()["data"]) == 25

    def test_new_guests_have_no_name_until_the_next_report(self, make_pve):
        with make_pve(time_scale=1) as slow:  # a report every ten seconds
            slow.wait(make_guest(slow, 500))
            (fresh,) = slow.call("GET", "/cluster/resources", type="vm").json()["data"]
            assert fresh["status"] == "unknown" and "name" not in fresh
            for _attempt in range(600):
                (later,) = slow.call("GET", "/cluster/resources", type="vm").json()["data"]
                if later["status"] != "unknown":
                    break
                asyncio.run(asyncio.sleep(0.1))
            assert (later["name"], later["status"]) == ("guest-500", "stopped")

    def test_a_killed_emulator_leaves_what_a_killed_host_leaves(self, make_pve):
        victim = make_pve()
        victim.fault("task_hold", task="qmcreate")
        upid = make_guest(victim, 501)
        victim.kill()
        victim.restart()
        status = victim.call("GET", f"/nodes/pve/tasks/{upid}/status").json()["data"]
        assert (status["status"], status["exitstatus"]) == ("stopped", "unexpected status")
        assert victim.call("GET", "/nodes/pve/tasks", source="active").json()["data"] == []

    def test_state_survives_a_restart(self, make_pve):
        own = make_pve()
        own.wait(make_guest(own, 502))
        own.call("POST", "/pools", poolid="kept")
        own.restart()
        assert own.call("GET", "/nodes/pve/qemu/502/config").json()["data"]["name"] == "guest-502"
        assert own.call("GET", "/pools/kept").ok

    def test_several_nodes_are_a_cluster(self, make_pve):
        with make_pve(nodes=2) as pair:
            names = [node["node"] for node in pair.call("GET", "/nodes").json()["data"]]
            assert names == ["pve1", "pve2"]
            status = pair.call("GET", "/cluster/status").json()["data"]
            assert {entry["type"] for entry in status} == {"cluster", "node"}
            answer = pair.call("POST", "/nodes/pve2/qemu", vmid=100)
            assert answer.json()["data"].startswith("UPID:pve2:")
            assert pair.wait(answer.json()["data"]) == "OK"
            assert pair.call("GET", "/nodes/pve1/tasks").json()["data"] == []


class TestWorkers:
    """Each node has three workers per daemon, and each does one thing at a time."""

    def test_a_fourth_call_waits_for_a_worker(self):
        async def go():
            workers = Workers(Clock(0.01))
            busy, most = 0, 0

            async def work():
                nonlocal busy, most
                busy += 1
                most = max(most, busy)
                await asyncio.sleep(0.01)
                busy -= 1

            calls = [workers.run("pve", protected=True, writes=True, work=work) for _number in range(8)]
            await asyncio.gather(*calls)
            return most

        assert asyncio.run(go()) == 3

    def test_a_forwarded_call_that_takes_too_long_is_596_and_goes_on(self):
        async def go():
            finished = asyncio.Event()

            async def work():
                await asyncio.sleep(2)
                finished.set()

            with pytest.raises(ApiError) as gave_up:
                await Workers(Clock(0.01)).run("pve", protected=True, writes=True, work=work)
            await asyncio.wait_for(finished.wait(), 10)
            return gave_up.value.status, gave_up.value.text

        assert asyncio.run(go()) == (596, "Connection timed out")
