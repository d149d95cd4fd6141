"""Who may do what: ACLs over a tree of paths, groups, pools, and tokens with privilege separation.

The rules of Proxmox VE: the deepest path with an entry for the identity replaces what is above it; at one path an
entry of the user replaces those of its groups; NoAccess takes everything away; members of a pool get the pool's roles
added; a token with privilege separation has only what both its user and it have.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lab.pve.errors import ApiError
from lab.pve.roles import BUILT_IN, PRIVILEGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.pve.world import World

ROOT = "root@pam"
_VALID_PATH = re.compile(
    r"^/(access(/groups(/[A-Za-z0-9.\-_]+)?|/realm(/[A-Za-z0-9.\-_]+)?)?|nodes(/[A-Za-z0-9.\-]+)?"
    r"|pool(/[A-Za-z0-9.\-_]+){0,3}|sdn(/[^\s]+)?|storage(/[A-Za-z0-9.\-_]+)?|vms(/[1-9][0-9]{2,})?"
    r"|mapping(/[^\s]+)?)?$")


def normalize_path(path: str) -> str | None:
    """The path without doubled or trailing slashes; None when no such object can exist."""
    cleaned = "/" + "/".join(part for part in path.split("/") if part)
    return cleaned if path.startswith("/") and _VALID_PATH.match(cleaned) else None


def permission_denied(what: str = "") -> ApiError:
    return ApiError(403, f"Permission check failed ({what})" if what else "Permission check failed")


class Access:
    """Users, tokens, roles and ACLs of the emulated cluster."""

    def __init__(self, world: World) -> None:
        self._world = world

    # -- who ----------------------------------------------------------------------------------------------------

    def user_active(self, user: str) -> bool:
        """Is it there, enabled and not expired?"""
        entry = self._world.state.users.get(user)
        return entry is not None and bool(entry["enable"]) and not is_expired(entry, self._world.clock.now())

    def role_privileges(self, role: str) -> tuple[str, ...]:
        if role in BUILT_IN:
            return BUILT_IN[role]
        return tuple(self._world.state.roles.get(role, {}).get("privs", ()))

    def role_exists(self, role: str) -> bool:
        return role in BUILT_IN or role in self._world.state.roles

    def members(self, group: str) -> list[str]:
        return sorted(user for user, entry in self._world.state.users.items() if group in entry["groups"])

    # -- what ---------------------------------------------------------------------------------------------------

    def permissions(self, identity: str, path: str) -> dict[str, int]:
        """Privileges on a path, each with whether it is passed on to what is below."""
        user, _bang, token = identity.partition("!")
        if token:
            entry = self._world.state.tokens.get(identity)
            if entry is None:
                return {}
            if not entry["privsep"]:
                return self.permissions(user, path)
            own, users = self._resolve(identity, path), self.permissions(user, path)
            return {name: own[name] and users[name] for name in own if name in users}
        if user == ROOT:
            return dict.fromkeys(PRIVILEGES, 1)
        return self._resolve(user, path) if self.user_active(user) else {}

    def allowed(self, identity: str, path: str, privileges: Iterable[str], *, any: bool = False) -> bool:
        held = self.permissions(identity, path)
        found = [name in held for name in privileges]
        return (True in found) if any else (False not in found)

    def require(self, identity: str, path: str, privileges: Iterable[str], *, any: bool = False) -> None:
        """403 that names the path and the first privilege missing, or all alternatives."""
        wanted = list(privileges)
        held = self.permissions(identity, path)
        if any and not [name for name in wanted if name in held]:
            raise permission_denied(f"{path}, {'|'.join(wanted)}")
        for name in wanted:
            if not any and name not in held:
                raise permission_denied(f"{path}, {name}")

    def may_modify_acl(self, identity: str, path: str) -> bool:
        """Permissions.Modify, or the right to make such objects at all."""
        makers = (("/storage", "Datastore.Allocate"), ("/vms", "VM.Allocate"), ("/pool", "Pool.Allocate"))
        for prefix, privilege in makers:
            if path.startswith(prefix):
                return self.allowed(identity, path, ("Permissions.Modify", privilege), any=True)
        return self.allowed(identity, path, ("Permissions.Modify",))

    def known_paths(self) -> list[str]:
        """Paths that a listing of permissions shows: the fixed ones, those with an ACL, and members of pools."""
        paths = {"/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"}
        paths |= set(self._world.state.acl)
        for pool in self._world.state.pools.values():
            paths |= {f"/vms/{vmid}" for vmid in pool["vms"]} | {f"/storage/{name}" for name in pool["storages"]}
        return sorted(paths)

    def forget(self, subject: str, kind: str) -> None:
        """Remove every ACL entry of a deleted user, group or token."""
        for path in list(self._world.state.acl):
            entries = self._world.state.acl[path]
            if entries.pop(f"{kind}:{subject}", None) is not None:
                if not entries:
                    del self._world.state.acl[path]
                self._world.save("acl", path)

    # -- rules --------------------------------------------------------------------------------------------------

    def _resolve(self, subject: str, path: str) -> dict[str, int]:
        roles = self._roles(subject, path)
        if "NoAccess" not in roles:
            for pool_path in self._pools_of(path):
                roles = {**self._roles(subject, pool_path), **roles}
        if "NoAccess" in roles:
            return {}
        held: dict[str, int] = {}
        for role, propagate in roles.items():
            for name in self.role_privileges(role):
                held[name] = int(held.get(name, 0) or propagate)
        return held

    def _roles(self, subject: str, path: str) -> dict[str, int]:
        roles: dict[str, int] = {}
        for prefix in _prefixes(path):
            entries = self._world.state.acl.get(prefix)
            if not entries:
                continue
            final = prefix == path
            own = _effective(entries.get(f"{'token' if '!' in subject else 'user'}:{subject}", {}), final)
            if not own and "!" not in subject:
                for group in self._world.state.users.get(subject, {}).get("groups", ()):
                    own.update(_effective(entries.get(f"group:{group}", {}), final))
            roles = own or roles
        return roles

    def _pools_of(self, path: str) -> list[str]:
        kind, _slash, name = path.strip("/").partition("/")
        if kind not in ("vms", "storage") or not name:
            return []
        key = "vms" if kind == "vms" else "storages"
        member: Any = int(name) if kind == "vms" and name.isdigit() else name
        return [f"/pool/{pool}" for pool, entry in self._world.state.pools.items() if member in entry[key]]


def _effective(roles: dict[str, int], final: bool) -> dict[str, int]:
    return {role: propagate for role, propagate in roles.items() if final or propagate}


def _prefixes(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: index + 1]) for index in range(len(parts)))]


def is_expired(entry: dict[str, Any], now: int) -> bool:
    return bool(entry.get("expire")) and entry["expire"] <= now
