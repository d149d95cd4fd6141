# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools, roles, users, tokens and permissions of a Proxmox cluster: wanted and present → operations. Pure.

Nothing is ever taken away here except privileges of a role that the site describes: other entries are not ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AccessOperation:
    """One write: ``what`` is pool, role, user, token or permission; ``name`` tells which one.

    ``before`` is None for something new. ``wanted`` is the row of the site.
    """

    what: str
    name: str
    before: Any
    after: Any
    wanted: Mapping[str, Any]


@dataclass(frozen=True)
class AccessState:
    """Rows of ``/pools``, ``/access/roles``, ``/access/users``, ``/access/acl`` as the API gives them, and per user the
    rows of ``/access/users/{userid}/token``."""

    pools: Sequence[Mapping[str, Any]] = ()
    roles: Sequence[Mapping[str, Any]] = ()
    users: Sequence[Mapping[str, Any]] = ()
    acl: Sequence[Mapping[str, Any]] = ()
    tokens: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


def plan_access(wanted: Mapping[str, Sequence[Mapping[str, Any]]], seen: AccessState) -> list[AccessOperation]:
    """Operations in an order in which each finds what it needs."""
    return [
        *_pools(wanted.get("pools") or [], seen),
        *_roles(wanted.get("roles") or [], seen),
        *_users(wanted.get("users") or [], seen),
        *_tokens(wanted.get("tokens") or [], seen),
        *_permissions(wanted.get("permissions") or [], seen),
    ]


def _pools(wanted: Iterable[Mapping[str, Any]], seen: AccessState) -> Iterator[AccessOperation]:
    present = {str(row["poolid"]): str(row.get("comment") or "") for row in seen.pools}
    for row in wanted:
        comment = str(row.get("comment") or "")
        if row["name"] not in present:
            yield AccessOperation("pool", row["name"], None, {"comment": comment}, row)
        elif row.get("comment") is not None and present[row["name"]] != comment:
            yield AccessOperation("pool", row["name"], {"comment": present[row["name"]]}, {"comment": comment}, row)


def split_privileges(privileges: Any) -> list[str]:
    """A sorted list from a list, or from the text ``VM.Audit,VM.Clone`` that the API gives."""
    parts = privileges.replace(" ", ",").split(",") if isinstance(privileges, str) else list(privileges or [])
    return sorted({part for part in parts if part})


def _roles(wanted: Iterable[Mapping[str, Any]], seen: AccessState) -> Iterator[AccessOperation]:
    present = {str(row["roleid"]): split_privileges(row.get("privs")) for row in seen.roles}
    for row in wanted:
        after = split_privileges(row["privileges"])
        before = present.get(row["name"])
        if before != after:
            yield AccessOperation("role", row["name"], before, after, row)


def _users(wanted: Iterable[Mapping[str, Any]], seen: AccessState) -> Iterator[AccessOperation]:
    present = {str(row["userid"]): row for row in seen.users}
    for row in wanted:
        current = present.get(row["name"])
        after = {"comment": str(row.get("comment") or ""), "enabled": True}
        if current is None:
            yield AccessOperation("user", row["name"], None, after, row)
            continue
        before = {"comment": str(current.get("comment") or ""), "enabled": bool(int(current.get("enable", 1)))}
        if row.get("comment") is None:
            after["comment"] = before["comment"]
        if before != after:
            yield AccessOperation("user", row["name"], before, after, row)


def token_name(row: Mapping[str, Any]) -> str:
    """``user@realm!token``."""
    return f"{row['user']}!{row['name']}"


def _tokens(wanted: Iterable[Mapping[str, Any]], seen: AccessState) -> Iterator[AccessOperation]:
    for row in wanted:
        current = {str(item["tokenid"]): item for item in seen.tokens.get(row["user"], ())}.get(row["name"])
        after = {
            "comment": str(row.get("comment") or ""),
            "privilege_separation": bool(row.get("privilege_separation", True)),
        }
        if current is None:
            yield AccessOperation("token", token_name(row), None, after, row)
            continue
        before = {
            "comment": str(current.get("comment") or ""),
            "privilege_separation": bool(int(current.get("privsep", 1))),
        }
        if row.get("comment") is None:
            after["comment"] = before["comment"]
        if before != after:
            yield AccessOperation("token", token_name(row), before, after, row)


def _permissions(wanted: Iterable[Mapping[str, Any]], seen: AccessState) -> Iterator[AccessOperation]:
    present = {
        (str(row["path"]), str(row["type"]), str(row["ugid"]), str(row["roleid"])): bool(int(row.get("propagate", 1)))
        for row in seen.acl
    }
    for row in wanted:
        propagate = bool(row.get("propagate", True))
        for kind, holder in _holders(row):
            before = present.get((row["path"], kind, holder, row["role"]))
            if before != propagate:
                name = f"{row['path']} {holder} {row['role']}"
                shown = None if before is None else {"propagate": before}
                yield AccessOperation(
                    "permission", name, shown, {"propagate": propagate}, {**row, "kind": kind, "holder": holder}
                )


def _holders(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A token with privilege separation has what its user has AND what it has itself: both get the entry."""
    holders = [("user", str(row["user"]))] if row.get("user") else []
    if row.get("token"):
        holders.append(("token", str(row["token"])))
    if row.get("group"):
        holders.append(("group", str(row["group"])))
    return holders


def diff_view(operations: Sequence[AccessOperation]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after of what would change, keyed ``role Guests``."""
    before = {f"{item.what} {item.name}": item.before for item in operations if item.before is not None}
    after = {f"{item.what} {item.name}": item.after for item in operations}
    return before, after
