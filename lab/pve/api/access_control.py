"""/access/roles and /access/acl: what privileges there are together, and who has them where."""

from __future__ import annotations

from typing import Any

from lab.pve.access import normalize_path
from lab.pve.errors import ParameterError, died
from lab.pve.registry import Call, operation
from lab.pve.roles import BUILT_IN
from lab.pve.schema.formats import split_list


@operation("GET", "/access/roles")
async def roles(call: Call) -> list[dict[str, Any]]:
    built_in = [{"roleid": name, "privs": ",".join(held), "special": 1} for name, held in BUILT_IN.items()]
    own = [{"roleid": name, "privs": ",".join(sorted(role["privs"])), "special": 0}
           for name, role in call.world.state.roles.items()]
    return sorted(built_in + own, key=lambda role: role["roleid"])


@operation("POST", "/access/roles")
async def create_role(call: Call) -> None:
    name = call.params["roleid"]
    if call.world.access.role_exists(name):
        raise died(f"create role failed: role '{name}' already exists")
    _save_role(call, set())


@operation("GET", "/access/roles/{roleid}")
async def read_role(call: Call) -> dict[str, int]:
    name = call.params["roleid"]
    if not call.world.access.role_exists(name):
        raise died(f"role '{name}' does not exist")
    return dict.fromkeys(call.world.access.role_privileges(name), 1)


@operation("PUT", "/access/roles/{roleid}")
async def update_role(call: Call) -> None:
    _check_own(call, "update")
    kept = set(call.world.state.roles[call.params["roleid"]]["privs"]) if call.params.get("append") else set()
    _save_role(call, kept)


@operation("DELETE", "/access/roles/{roleid}")
async def delete_role(call: Call) -> None:
    _check_own(call, "delete")
    name = call.params["roleid"]
    del call.world.state.roles[name]
    call.world.save("roles", name)
    for path in list(call.world.state.acl):
        for subject in list(call.world.state.acl[path]):
            _revoke(call, path, subject, name)


def _check_own(call: Call, verb: str) -> None:
    name = call.params["roleid"]
    if name in BUILT_IN:
        raise died(f"auto-generated role '{name}' cannot be {'modified' if verb == 'update' else 'deleted'}")
    if name not in call.world.state.roles:
        raise died(f"{verb} role failed: role '{name}' does not exist")


def _save_role(call: Call, kept: set[str]) -> None:
    name = call.params["roleid"]
    call.world.state.roles[name] = {"privs": sorted({*kept, *split_list(call.params.get("privs", ""))})}
    call.world.save("roles", name)


@operation("GET", "/access/acl")
async def acl(call: Call) -> list[dict[str, Any]]:
    """Entries of paths whose permissions the caller may change; all of them with Sys.Audit on /access."""
    everything = call.can("/access", "Sys.Audit", "Permissions.Modify", any=True)
    listed = []
    for path, subjects in sorted(call.world.state.acl.items()):
        if not everything and not call.world.access.may_modify_acl(call.identity, path):
            continue
        for subject, granted in sorted(subjects.items()):
            kind, _colon, name = subject.partition(":")
            listed += [{"path": path, "type": kind, "ugid": name, "roleid": role, "propagate": propagate}
                       for role, propagate in sorted(granted.items())]
    return listed


@operation("PUT", "/access/acl")
async def update_acl(call: Call) -> None:
    path = normalize_path(call.params["path"])
    if path is None:
        raise ParameterError({"path": f"invalid ACL path '{call.params['path']}'"})
    subjects = _subjects(call)
    for role in split_list(call.params["roles"]):
        if not call.world.access.role_exists(role):
            raise died(f"role '{role}' does not exist")
        for subject in subjects:
            if call.params.get("delete"):
                _revoke(call, path, subject, role)
            else:
                granted = call.world.state.acl.setdefault(path, {}).setdefault(subject, {})
                granted[role] = call.params.get("propagate", 1)
                call.world.save("acl", path)


def _subjects(call: Call) -> list[str]:
    """`kind:name` of everyone named; they must exist, unless they are only to be removed."""
    known = {"user": call.world.state.users, "group": call.world.state.groups, "token": call.world.state.tokens}
    found = []
    for kind, table in known.items():
        for name in split_list(call.params.get(f"{kind}s", "")):
            if name not in table and not call.params.get("delete"):
                raise died(f"{kind} '{name}' does not exist")
            found.append(f"{kind}:{name}")
    if not found:
        text = "either 'users', 'groups' or 'tokens' is required."
        raise ParameterError({"users": text, "groups": text, "tokens": text})
    return found


def _revoke(call: Call, path: str, subject: str, role: str) -> None:
    subjects = call.world.state.acl.get(path, {})
    subjects.get(subject, {}).pop(role, None)
    if subject in subjects and not subjects[subject]:
        del subjects[subject]
    if not subjects:
        call.world.state.acl.pop(path, None)
    call.world.save("acl", path)
