"""Tasks: worker processes with a UPID, a log and an end, as a Proxmox VE node runs and remembers them.

On disk a task is its log file, an entry in `active` while it runs, and a line in `index` when it has ended. Its exit
status is read from the last line of the log, so a worker that was killed ends as "unexpected status".
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.pve.context import ORIGIN, Origin
from lab.pve.errors import ApiError, TaskError
from lab.pve.state import write_atomic

if TYPE_CHECKING:
    from lab.pve.faults import Rule
    from lab.pve.world import World

UPID = re.compile(
    r"^UPID:(?P<node>[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):(?P<pid>[0-9A-Fa-f]{8}):(?P<pstart>[0-9A-Fa-f]{8,9}):"
    r"(?P<starttime>[0-9A-Fa-f]{8}):(?P<type>[^:\s]+):(?P<id>[^:\s]*):(?P<user>[^:\s]+):$")
Worker = Callable[["Task"], Awaitable[Any]]
_ABANDONED: list[Any] = []  # workers that were killed: kept to the end, so that nothing in them is ever tidied up


def parse_upid(upid: str) -> dict[str, Any] | None:
    """The fields of a UPID as the API shows them, or None. A token's name is split from its user."""
    found = UPID.match(upid)
    if found is None:
        return None
    fields: dict[str, Any] = {"upid": upid, **found.groupdict()}
    for key in ("pid", "pstart", "starttime"):
        fields[key] = int(fields[key], 16)
    user, bang, token = fields["user"].partition("!")
    fields["user"] = user
    if bang:
        fields["tokenid"] = token
    return fields


def exit_status(last_line: str) -> str:
    """What the last line of a log says about the end of its worker."""
    found = re.match(r"^TASK (OK|ERROR: .*|WARNINGS: \d+)$", last_line)
    return found.group(1).removeprefix("ERROR: ") if found else "unexpected status"


class Task:
    """What a worker gets: its log. `await task.sleep(s)` waits scaled seconds."""

    def __init__(self, tasks: Tasks, upid: str, origin: Origin) -> None:
        self._tasks = tasks
        self.upid = upid
        self.origin = origin
        self.world = tasks.world
        self.warnings = 0
        self.lines = 0
        self.death_after: int | None = None
        self.killed = asyncio.Event()

    def log(self, text: str) -> None:
        """One or more lines of output."""
        if self.killed.is_set():
            return
        for line in text.rstrip("\n").split("\n"):
            self._tasks.append(self.upid, line)
            self.lines += 1
        if self.death_after is not None and self.lines >= self.death_after:
            self.killed.set()

    def warn(self, text: str) -> None:
        """A warning; the task then ends as `WARNINGS: n`."""
        self.warnings += 1
        self.log(f"WARN: {text}")

    async def sleep(self, seconds: float) -> None:
        await self.world.clock.sleep(seconds)


class Tasks:
    """All tasks of all nodes."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self._folder = folder
        self._active: dict[str, dict[str, Any]] = {}
        self._archive: dict[str, dict[str, Any]] = {}
        self._running: dict[str, asyncio.Task] = {}
        self._pids = itertools.count(random.randrange(20_000, 200_000), 3)
        self._booted = self.world.clock.monotonic() - 100_000
        folder.mkdir(parents=True, exist_ok=True)
        self._load()

    # -- life ---------------------------------------------------------------------------------------------------

    def start(self, kind: str, object_id: str, worker: Worker, *, node: str, identity: str, origin: Origin) -> str:
        """Start a worker on a node and return its UPID."""
        now = self.world.clock.now()
        pid = next(self._pids) % 0xFFFFFFFF
        pstart = int((self.world.clock.monotonic() - self._booted) * 100)
        upid = f"UPID:{node}:{pid:08X}:{pstart:08X}:{now:08X}:{kind}:{object_id}:{identity}:"
        origin = replace(origin, task_type=kind, upid=upid, node=node, identity=identity,
                         vmid=int(object_id) if object_id.isdigit() else origin.vmid)
        self._active[upid] = {"upid": upid}
        self._log_path(upid).touch()
        self._save_active()
        task = Task(self, upid, origin)
        self._running[upid] = asyncio.get_running_loop().create_task(self._run(task, worker))
        return upid

    async def _run(self, task: Task, worker: Worker) -> None:
        ORIGIN.set(task.origin)
        faults = self.world.faults
        death = faults.take("task_death")
        if death:
            task.death_after = int(death.get("after_lines", 0))
            if task.death_after == 0:  # killed before its first step
                self.end(task.upid)
                return
        delay, hold = faults.take("task_delay"), faults.take("task_hold")
        job = _Abandonable(self._work(task, worker, delay, hold))
        running = asyncio.ensure_future(job.drive())
        killed = asyncio.ensure_future(task.killed.wait())
        try:
            await asyncio.wait({running, killed}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            running.cancel()
            await asyncio.wait({running})
        killed.cancel()
        if task.killed.is_set():
            job.abandon()
            _ABANDONED.append(job)
            self.world.locks.drop(task.upid)
        else:
            self._conclude(task, running)
        self.end(task.upid)

    async def _work(self, task: Task, worker: Worker, delay: Rule | None, hold: Rule | None) -> None:
        if delay:
            await task.sleep(float(delay.get("seconds", 1)))
        if hold:
            await hold.removed.wait()
        error = self.world.faults.take("task_error")
        if error:
            raise TaskError(str(error.get("text", "worker failed")))
        await worker(task)

    def _conclude(self, task: Task, running: asyncio.Future) -> None:
        if running.cancelled():
            line = "TASK ERROR: received interrupt"
        elif running.exception() is not None:
            line = f"TASK ERROR: {_first_line(running.exception())}"
        else:
            line = f"TASK WARNINGS: {task.warnings}" if task.warnings else "TASK OK"
        self.append(task.upid, line)

    def end(self, upid: str) -> None:
        """Move a task from the active list to the archive, with the status its log tells."""
        if self._active.pop(upid, None) is None:
            return
        self._running.pop(upid, None)
        entry = {"upid": upid, "endtime": self.world.clock.now(), "status": exit_status(self.last_line(upid))}
        self._archive[upid] = entry
        with (self._folder / "index").open("a", encoding="utf-8") as index:
            index.write(json.dumps(entry) + "\n")
        self._save_active()

    def stop(self, upid: str) -> None:
        """Interrupt a running worker, as DELETE on a task does."""
        if upid in self._running:
            self._running[upid].cancel()

    async def close(self) -> None:
        """Interrupt all workers, for a clean shutdown."""
        running = list(self._running.values())
        for job in running:
            job.cancel()
        if running:
            await asyncio.wait(running, timeout=3)

    async def wait(self, upid: str, timeout: float | None = None) -> str | None:
        """The exit status of a task, or None if it still runs after `timeout` scaled seconds."""
        job = self._running.get(upid)
        if job is not None:
            await asyncio.wait({job}, timeout=None if timeout is None else self.world.clock.real(timeout))
        return self.status_of(upid)

    # -- reading ------------------------------------------------------------------------------------------------

    def exists(self, upid: str) -> bool:
        return upid in self._active or upid in self._archive

    def status_of(self, upid: str) -> str | None:
        """None while it runs, then the exit status."""
        return self._archive[upid]["status"] if upid in self._archive else None

    def active(self) -> list[dict[str, Any]]:
        """Running tasks, newest first: the fields of the UPID."""
        return [parse_upid(upid) or {} for upid in reversed(self._active)]

    def archived(self) -> list[dict[str, Any]]:
        """Finished tasks, newest first, with `endtime` and `status`."""
        return [{**(parse_upid(upid) or {}), **entry} for upid, entry in reversed(self._archive.items())]

    def running(self, *, node: str | None = None, kind: str | None = None, object_id: str | None = None) -> list[str]:
        """UPIDs of running tasks that fit."""
        found = []
        for upid in self._active:
            fields = parse_upid(upid) or {}
            if (node in (None, fields["node"]) and kind in (None, fields["type"])
                    and object_id in (None, fields["id"])):
                found.append(upid)
        return found

    def log(self, upid: str) -> list[str]:
        path = self._log_path(upid)
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def last_line(self, upid: str) -> str:
        lines = self.log(upid)
        return lines[-1] if lines else ""

    def append(self, upid: str, line: str) -> None:
        with self._log_path(upid).open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    # -- disk ---------------------------------------------------------------------------------------------------

    def _log_path(self, upid: str) -> Path:
        return self._folder / upid.replace("/", "_")

    def _save_active(self) -> None:
        write_atomic(self._folder / "active", json.dumps(list(self._active)))

    def _load(self) -> None:
        """Read what an earlier run left. Tasks that ran when it was killed have ended without a last word."""
        index = self._folder / "index"
        if index.exists():
            for line in index.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._archive[entry["upid"]] = entry
        active = self._folder / "active"
        if active.exists():
            for upid in json.loads(active.read_text(encoding="utf-8")):
                self._active[upid] = {"upid": upid}
                self.end(upid)


class _Abandonable:
    """Drives a coroutine and can stop doing so without closing it, as a killed process runs no clean-up."""

    def __init__(self, coroutine: Any) -> None:
        self._coroutine = coroutine
        self._given_up = False
        self._driver: asyncio.Task | None = None

    async def drive(self) -> Any:
        self._driver = asyncio.current_task()
        return await _Steps(self._coroutine, self)

    @property
    def given_up(self) -> bool:
        return self._given_up

    def abandon(self) -> None:
        self._given_up = True
        if self._driver is not None:
            self._driver.cancel()


class _Steps:
    """An awaitable that passes a coroutine's steps on until it is given up."""

    def __init__(self, coroutine: Any, owner: _Abandonable) -> None:
        self._coroutine = coroutine
        self._owner = owner

    def __await__(self):
        send, value = self._coroutine.send, None
        while True:
            try:
                waited_for = send(value)
            except StopIteration as stop:
                return stop.value
            try:
                value = yield waited_for
                send = self._coroutine.send
            except BaseException as error:
                if self._owner.given_up:
                    raise
                send, value = self._coroutine.throw, error


def _first_line(error: BaseException | None) -> str:
    if not isinstance(error, (TaskError, ApiError)):
        traceback.print_exception(error, file=sys.stderr)
    text = str(error).strip() or type(error).__name__
    return text.split("\n")[0]

