"""The permission checks that the schema describes for each operation."""

from __future__ import annotations

import re
from typing import Any

from lab.pve.access import ROOT, Access, normalize_path, permission_denied
from lab.pve.errors import ApiError, ParameterError, died
from lab.pve.schema.formats import split_list
from lab.pve.schema.validate import truth


def check(access: Access, users: dict[str, Any], rule: dict[str, Any], identity: str | None,
          params: dict[str, Any]) -> None:
    """403 unless `identity` (None: nobody) may do what `rule` guards. No rule at all is for root@pam alone."""
    if identity == ROOT or rule.get("user") == "world":
        return
    if not identity:
        raise permission_denied("user == null")
    if not rule:
        raise permission_denied("user != root@pam")
    if rule.get("user") == "all":
        return
    if not _holds(_Question(access, users, identity, params), rule["check"], quiet=False):
        raise permission_denied()


class _Question:
    """The identity that asks and the raw parameters of its request."""

    def __init__(self, access: Access, users: dict[str, Any], identity: str, params: dict[str, Any]) -> None:
        self.access = access
        self.users = users
        self.identity = identity
        self.params = params


def _holds(asked: _Question, rule: list[Any], *, quiet: bool) -> bool:
    """Does the rule hold? If not, False, or (when not quiet) the 403 that names what is missing."""
    kind, *rest = rule
    if kind == "and":
        return all(_holds(asked, part, quiet=quiet) for part in rest)
    if kind == "or":
        return any(_holds(asked, part, quiet=True) for part in rest) or _refuse(quiet)
    if kind == "perm":
        return _path_privileges(asked, rest, quiet)
    if kind == "perm-modify":
        return _modify(asked, rest[0], quiet)
    if kind == "userid-param":
        return _about_user(asked, rest[0], quiet)
    if kind == "userid-group":
        return _over_group(asked, rest, quiet)
    raise died(f"unknown permission test '{kind}'")


def _refuse(quiet: bool, what: str = "") -> bool:
    if quiet:
        return False
    raise permission_denied(what)


def _path_privileges(asked: _Question, rest: list[Any], quiet: bool) -> bool:
    template, privileges, options = rest[0], rest[1], _options(rest[2:])
    needed = options.get("require_param")
    if needed and asked.params.get(needed) is None:
        return _refuse(quiet)
    path = normalize_path(_fill(template, asked.params)) or _fill(template, asked.params)
    any_of = truth(options.get("any", 0))
    if not quiet:
        asked.access.require(asked.identity, path, privileges, any=any_of)
    return asked.access.allowed(asked.identity, path, privileges, any=any_of)


def _modify(asked: _Question, template: str, quiet: bool) -> bool:
    text = _fill(template, asked.params)
    path = normalize_path(text)
    if path is None:
        raise ParameterError({"path": f"invalid ACL path '{text}'"})
    return asked.access.may_modify_acl(asked.identity, path) or _refuse(quiet, f"{path}, Permissions.Modify")


def _about_user(asked: _Question, test: str, quiet: bool) -> bool:
    userid = str(asked.params.get("userid", ""))
    if test == "self":
        return (userid in asked.users and userid == asked.identity) or _refuse(quiet)
    realm = userid.rpartition("@")[2]
    if not quiet:
        asked.access.require(asked.identity, f"/access/realm/{realm}", [test])
    return asked.access.allowed(asked.identity, f"/access/realm/{realm}", [test])


def _over_group(asked: _Question, rest: list[Any], quiet: bool) -> bool:
    privileges, options = rest[0], _options(rest[1:])
    userid = str(asked.params.get("userid", ""))
    groups_param = options.get("groups_param")
    must_exist = groups_param != "create"
    if must_exist and userid not in asked.users:
        if quiet:
            return False
        raise ApiError(500, f"no such user ('{userid}')")
    if asked.access.allowed(asked.identity, "/access/groups", privileges, any=True):
        return True
    if groups_param:
        named = split_list(str(asked.params.get("groups", "")))
        if not named:
            return _refuse(quiet, f"/access/groups, {'|'.join(privileges)}")
        for group in named:
            if not asked.access.allowed(asked.identity, f"/access/groups/{group}", privileges, any=True):
                return _refuse(quiet, f"/access/groups/{group}, {'|'.join(privileges)}")
    if must_exist:
        theirs = [f"/access/groups/{name}" for name in asked.users[userid]["groups"]]
        if not any(asked.access.allowed(asked.identity, path, privileges, any=True) for path in theirs):
            return _refuse(quiet)
    return True


def _options(rest: list[Any]) -> dict[str, Any]:
    return dict(zip(rest[::2], rest[1::2]))


def _fill(template: str, params: dict[str, Any]) -> str:
    return re.sub(r"\{([^}]+)\}", lambda found: str(params.get(found[1], "")), template)
