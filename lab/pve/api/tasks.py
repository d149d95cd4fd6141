"""/nodes/{node}/tasks: what workers did."""

from __future__ import annotations

from typing import Any

from lab.pve.errors import ParameterError
from lab.pve.registry import Call, Listing, operation
from lab.pve.schema.formats import split_list
from lab.pve.tasks import parse_upid

RUNNING = "RUNNING"


@operation("GET", "/nodes/{node}/tasks")
async def index(call: Call) -> Listing:
    """Finished tasks, running ones, or both, newest first; one's own, or all with Sys.Audit on the node."""
    source = call.params.get("source", "archive")
    tasks = call.world.tasks
    found: list[dict[str, Any]] = []
    if source in ("active", "all"):
        found += [{**task, "status": RUNNING} for task in tasks.active()]
    if source in ("archive", "all"):
        found += tasks.archived()
    audits = call.can(f"/nodes/{call.node}", "Sys.Audit")
    chosen = [task for task in found
              if task["node"] == call.node and (audits or _owns(call, task)) and _wanted(call.params, task)]
    start, limit = call.params.get("start", 0), call.params.get("limit", 50)
    return Listing(chosen[start: start + limit], {"total": len(chosen)})


def _owns(call: Call, task: dict[str, Any]) -> bool:
    """A token sees its own tasks only, a user its own and those of its tokens."""
    if "tokenid" in task:
        return call.identity in (f"{task['user']}!{task['tokenid']}", task["user"])
    return call.identity == task["user"]


def _wanted(params: dict[str, Any], task: dict[str, Any]) -> bool:
    kind = _kind(task["status"])
    if params.get("errors"):
        if kind == "ok":
            return False
    elif "statusfilter" in params and kind not in [wanted.lower() for wanted in split_list(params["statusfilter"])]:
        return False
    return not ((params.get("typefilter") and params["typefilter"] != task["type"])
                or ("vmid" in params and str(params["vmid"]) != task["id"])
                or ("userfilter" in params and params["userfilter"].lower() not in task["user"].lower())
                or ("since" in params and task["starttime"] < params["since"])
                or ("until" in params and task["starttime"] > params["until"]))


def _kind(status: str) -> str:
    if status == "OK":
        return "ok"
    if status.startswith("WARNINGS: "):
        return "warning"
    return "unknown" if status in ("unexpected status", RUNNING) else "error"


def _exists(call: Call) -> bool:
    task = parse_upid(call.params["upid"])
    return task is not None and task["node"] == call.node and call.world.tasks.exists(task["upid"])


def _find(call: Call, privilege: str, *, must_exist: bool = True) -> dict[str, Any]:
    """The task, or 400 "no such task"; 403 when it is another's and `privilege` on the node is missing."""
    task = parse_upid(call.params["upid"])
    if task is None:
        raise ParameterError({"upid": "unable to parse worker upid"})
    if must_exist and not _exists(call):
        raise ParameterError({"upid": "no such task"})
    if not _owns(call, task):
        call.require(f"/nodes/{call.node}", privilege)
    return task


@operation("GET", "/nodes/{node}/tasks/{upid}")
async def parts(call: Call) -> list[dict[str, str]]:
    return [{"name": "log"}, {"name": "status"}]


@operation("GET", "/nodes/{node}/tasks/{upid}/status")
async def status(call: Call) -> dict[str, Any]:
    task = _find(call, "Sys.Audit")
    ended = call.world.tasks.status_of(task["upid"])
    if ended is None:
        return {**task, "status": "running"}
    return {**task, "status": "stopped", "exitstatus": ended}


@operation("GET", "/nodes/{node}/tasks/{upid}/log")
async def log(call: Call) -> Listing:
    """Lines {n, t}, 50 unless told; limit 0 is all of them. A missing log is no error, but a line that says so."""
    task = _find(call, "Sys.Audit", must_exist=False)
    if not _exists(call):
        return Listing([{"n": 1, "t": "unable to open file - No such file or directory"}], {"total": 1})
    lines = call.world.tasks.log(task["upid"]) or ["no content"]
    start, limit = call.params.get("start", 0), call.params.get("limit", 50) or len(lines)
    shown = [{"n": number, "t": text} for number, text in enumerate(lines, start=1)][start: start + limit]
    return Listing(shown, {"total": len(lines)})


@operation("DELETE", "/nodes/{node}/tasks/{upid}")
async def stop(call: Call) -> None:
    call.world.tasks.stop(_find(call, "Sys.Modify")["upid"])
