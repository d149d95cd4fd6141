# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what an access plan needs from the API, and carries it out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._access_plan import AccessOperation, AccessState
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient


def observe(client: ProxmoxClient, wanted: Mapping[str, Sequence[Mapping[str, Any]]]) -> AccessState:
    """Only what the site speaks of is read."""
    users = client.get("access/users") if wanted.get("users") or wanted.get("tokens") else []
    known = {str(row["userid"]) for row in users}
    owners = sorted({str(row["user"]) for row in wanted.get("tokens") or []} & known)
    return AccessState(
        pools=client.get("pools") if wanted.get("pools") else [],
        roles=client.get("access/roles") if wanted.get("roles") else [],
        users=users,
        acl=client.get("access/acl") if wanted.get("permissions") else [],
        tokens={owner: client.get(f"access/users/{owner}/token") for owner in owners},
    )


def secret_problems(operations: Sequence[AccessOperation]) -> list[str]:
    """A new token's secret is shown once, so the place for it is checked before the token is made."""
    problems = []
    for operation in operations:
        if operation.what != "token" or operation.before is not None:
            continue
        folder = os.path.dirname(os.path.abspath(operation.wanted["secret_file"]))
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            problems.append(
                f"token {operation.name}: the folder {folder} for its secret does not exist or is not writable"
            )
    return problems


def lost_secrets(wanted: Sequence[Mapping[str, Any]], operations: Sequence[AccessOperation]) -> list[str]:
    """Tokens that exist while the file with their secret does not."""
    new = {operation.name for operation in operations if operation.what == "token" and operation.before is None}
    return [
        f"token {row['user']}!{row['name']} exists, and its secret is not in {row['secret_file']}: Proxmox shows a "
        "secret only once. Give the secret by another way, or delete the token and run again"
        for row in wanted
        if f"{row['user']}!{row['name']}" not in new and not os.path.exists(row["secret_file"])
    ]


def apply(client: ProxmoxClient, operations: Sequence[AccessOperation]) -> None:
    """Carry the operations out in their order. Raises InfraError."""
    for operation in operations:
        _WRITERS[operation.what](client, operation)


def _pool(client: ProxmoxClient, operation: AccessOperation) -> None:
    if operation.before is None:
        client.post("pools", poolid=operation.name, **operation.after)
    else:
        client.put(f"pools/{operation.name}", **operation.after)


def _role(client: ProxmoxClient, operation: AccessOperation) -> None:
    if operation.before is None:
        client.post("access/roles", roleid=operation.name, privs=operation.after)
    else:
        client.put(f"access/roles/{operation.name}", privs=operation.after)


def _user(client: ProxmoxClient, operation: AccessOperation) -> None:
    values = {"comment": operation.after["comment"], "enable": operation.after["enabled"]}
    if operation.before is None:
        client.post("access/users", userid=operation.name, **values)
    else:
        client.put(f"access/users/{operation.name}", **values)


def _token(client: ProxmoxClient, operation: AccessOperation) -> None:
    row = operation.wanted
    path = f"access/users/{row['user']}/token/{row['name']}"
    values = {"comment": operation.after["comment"], "privsep": operation.after["privilege_separation"]}
    if operation.before is not None:
        client.put(path, **values)
        return
    answer = client.post(path, **values)
    _keep_secret(row["secret_file"], str(answer["value"]))


def _keep_secret(path: str, secret: str) -> None:
    """Write the secret where only its owner can read it, from the first byte on."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            os.fchmod(handle.fileno(), 0o600)
            handle.write(secret + "\n")
    except OSError as error:
        raise InfraError(
            f"the token was made, but its secret could not be written to {path} ({error.strerror}): delete the token "
            "and run again"
        ) from error


def _permission(client: ProxmoxClient, operation: AccessOperation) -> None:
    row = operation.wanted
    values = {"path": row["path"], "roles": row["role"], "propagate": operation.after["propagate"]}
    client.write("PUT", "access/acl", values | {f"{row['kind']}s": row["holder"]})


_WRITERS = {"pool": _pool, "role": _role, "user": _user, "token": _token, "permission": _permission}
