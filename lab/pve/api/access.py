"""/access: tickets, users, tokens, groups, roles, ACLs, permissions, realms."""

from __future__ import annotations

from typing import Any

from lab.pve.access import normalize_path
from lab.pve.auth import Unauthorized, hash_secret, new_token_secret
from lab.pve.errors import ParameterError, died
from lab.pve.registry import Call, operation
from lab.pve.schema.formats import split_list

REALMS = [{"realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication"},
          {"realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server"}]


@operation("GET", "/access/domains")
async def domains(call: Call) -> list[dict[str, str]]:
    return REALMS


@operation("POST", "/access/ticket")
async def ticket(call: Call) -> dict[str, Any]:
    """A password (or a ticket that is still good) for a new ticket."""
    user = call.params["username"]
    if "@" not in user:
        user = f"{user}@{call.params.get('realm', 'pam')}"
    authenticator = call.world.authenticator
    given = call.params["password"]
    renewed = given.startswith("PVE:") and authenticator.ticket_user(given) == user
    if not renewed and not authenticator.password_fits(user, given):
        raise Unauthorized("authentication failure", bare=False)
    made, csrf = authenticator.make_ticket(user)
    answer = {"username": user, "ticket": made, "CSRFPreventionToken": csrf, "cap": _capabilities(call, user)}
    if call.world.cluster_name:
        answer["clustername"] = call.world.cluster_name
    return answer


@operation("GET", "/access/ticket")
async def no_ticket(call: Call) -> None:
    """A dummy for login pages."""


def _capabilities(call: Call, user: str) -> dict[str, dict[str, int]]:
    """Privileges on the top of each tree: the web interface's menu."""
    trees = {"vms": "VM", "storage": "Datastore", "access": "", "nodes": "Sys", "dc": "S", "mapping": "Mapping",
             "sdn": "SDN"}
    return {tree: {name: 1 for name in call.world.access.permissions(user, "/" if tree == "dc" else f"/{tree}")
                   if name.startswith(prefix)} for tree, prefix in trees.items()}


@operation("PUT", "/access/password")
async def password(call: Call) -> None:
    user = _existing_user(call, call.params["userid"])
    user["password"] = hash_secret(call.params["password"])
    call.world.save("users", call.params["userid"])


@operation("GET", "/access/permissions")
async def effective_permissions(call: Call) -> dict[str, dict[str, int]]:
    """{path: {privilege: propagate}} of the caller, or of another whom it may look at."""
    about = call.params.get("userid", call.identity)
    own = about == call.identity or ("!" not in call.identity and about.split("!")[0] == call.identity)
    if not own:
        call.require("/access", "Sys.Audit")
    if about.split("!")[0] not in call.world.state.users:
        raise died(f"no such user ('{about.split('!')[0]}')")
    access = call.world.access
    if "path" in call.params:
        path = normalize_path(call.params["path"])
        if path is None:
            raise ParameterError({"path": f"'{call.params['path']}' is not a valid access path"})
        return {path: access.permissions(about, path)}
    found = {path: access.permissions(about, path) for path in access.known_paths()}
    return {path: held for path, held in found.items() if held}


# -- users --------------------------------------------------------------------------------------------------------

_USER_FIELDS = ("comment", "email", "enable", "expire", "firstname", "lastname", "keys")


@operation("GET", "/access/users")
async def users(call: Call) -> list[dict[str, Any]]:
    """Everyone for those who manage users, else oneself."""
    everyone = call.can("/access/groups", "User.Modify", "Sys.Audit", any=True)
    listed = []
    for name, user in sorted(call.world.state.users.items()):
        if not everyone and name != call.user:
            continue
        if "enabled" in call.params and call.params["enabled"] != int(call.world.access.user_active(name)):
            continue
        entry = {"userid": name, "realm-type": name.rpartition("@")[2], **_user_fields(user)}
        if call.params.get("full"):
            entry["groups"] = ",".join(sorted(user["groups"]))
            entry["tokens"] = [{"tokenid": token, **info} for token, info in _tokens_of(call, name).items()]
        listed.append(entry)
    return listed


@operation("POST", "/access/users")
async def create_user(call: Call) -> None:
    name = call.params["userid"]
    if name in call.world.state.users:
        raise died(f"create user failed: user '{name}' already exists")
    if name.rpartition("@")[2] not in {realm["realm"] for realm in REALMS}:
        raise died(f"create user failed: domain '{name.rpartition('@')[2]}' does not exist")
    user = {"enable": 1, "expire": 0, "groups": _groups(call, "create user failed"),
            **{key: call.params[key] for key in _USER_FIELDS if key in call.params}}
    if "password" in call.params:
        user["password"] = hash_secret(call.params["password"])
    call.world.state.users[name] = user
    call.world.save("users", name)


@operation("GET", "/access/users/{userid}")
async def read_user(call: Call) -> dict[str, Any]:
    user = _existing_user(call, call.params["userid"])
    return {**_user_fields(user), "groups": sorted(user["groups"]), "tokens": _tokens_of(call, call.params["userid"])}


@operation("PUT", "/access/users/{userid}")
async def update_user(call: Call) -> None:
    user = _existing_user(call, call.params["userid"])
    user.update({key: call.params[key] for key in _USER_FIELDS if key in call.params})
    if "groups" in call.params:
        named = _groups(call, "update user failed")
        user["groups"] = sorted({*user["groups"], *named}) if call.params.get("append") else named
    call.world.save("users", call.params["userid"])


@operation("DELETE", "/access/users/{userid}")
async def delete_user(call: Call) -> None:
    name = call.params["userid"]
    _existing_user(call, name)
    if name == call.user:
        raise died(f"refusing to delete own account '{name}'")
    if name == "root@pam":
        raise died("delete user failed: cannot delete root@pam")
    for token in _tokens_of(call, name):
        _remove_token(call, f"{name}!{token}")
    del call.world.state.users[name]
    call.world.save("users", name)
    call.world.access.forget(name, "user")


def _existing_user(call: Call, name: str) -> dict[str, Any]:
    if name not in call.world.state.users:
        raise died(f"no such user ('{name}')")
    return call.world.state.users[name]


def _user_fields(user: dict[str, Any]) -> dict[str, Any]:
    return {key: user[key] for key in _USER_FIELDS if key in user and key != "keys"}


def _groups(call: Call, failed: str) -> list[str]:
    named = split_list(call.params.get("groups", ""))
    for group in named:
        if group not in call.world.state.groups:
            raise died(f"{failed}: group '{group}' does not exist")
    return sorted(set(named))


# -- tokens -------------------------------------------------------------------------------------------------------


def _tokens_of(call: Call, user: str) -> dict[str, dict[str, Any]]:
    found = {}
    for name, token in sorted(call.world.state.tokens.items()):
        owner, _bang, short = name.partition("!")
        if owner == user:
            found[short] = {key: token[key] for key in ("comment", "expire", "privsep") if key in token}
    return found


def _full(call: Call) -> str:
    return f"{call.params['userid']}!{call.params['tokenid']}"


def _existing_token(call: Call) -> dict[str, Any]:
    _existing_user(call, call.params["userid"])
    if _full(call) not in call.world.state.tokens:
        raise died(f"no such token '{call.params['tokenid']}' for user '{call.params['userid']}'")
    return call.world.state.tokens[_full(call)]


def _remove_token(call: Call, name: str) -> None:
    del call.world.state.tokens[name]
    call.world.save("tokens", name)
    call.world.access.forget(name, "token")


def _new_secret(call: Call, token: dict[str, Any]) -> str:
    secret = new_token_secret()
    token["secret"] = hash_secret(secret)
    call.world.save("tokens", _full(call))
    return secret


@operation("GET", "/access/users/{userid}/token")
async def tokens(call: Call) -> list[dict[str, Any]]:
    _existing_user(call, call.params["userid"])
    return [{"tokenid": name, **info} for name, info in _tokens_of(call, call.params["userid"]).items()]


@operation("GET", "/access/users/{userid}/token/{tokenid}")
async def read_token(call: Call) -> dict[str, Any]:
    _existing_token(call)
    return _tokens_of(call, call.params["userid"])[call.params["tokenid"]]


@operation("POST", "/access/users/{userid}/token/{tokenid}")
async def create_token(call: Call) -> dict[str, Any]:
    """The secret is in this answer and nowhere else."""
    _existing_user(call, call.params["userid"])
    if _full(call) in call.world.state.tokens:
        raise ParameterError({"tokenid": "Token already exists."})
    token = {"privsep": call.params.get("privsep", 1), "expire": call.params.get("expire", 0)}
    if "comment" in call.params:
        token["comment"] = call.params["comment"]
    call.world.state.tokens[_full(call)] = token
    secret = _new_secret(call, token)
    return {"full-tokenid": _full(call), "value": secret,
            "info": {key: str(value) for key, value in token.items() if key != "secret"}}


@operation("PUT", "/access/users/{userid}/token/{tokenid}")
async def update_token(call: Call) -> dict[str, Any]:
    token = _existing_token(call)
    token.update({key: call.params[key] for key in ("privsep", "expire", "comment") if key in call.params})
    for key in split_list(call.params.get("delete", "")):
        token.pop(key, None)
    call.world.save("tokens", _full(call))
    shown = {key: value for key, value in token.items() if key != "secret"}
    if call.params.get("regenerate"):
        shown |= {"full-tokenid": _full(call), "value": _new_secret(call, token)}
    return shown


@operation("DELETE", "/access/users/{userid}/token/{tokenid}")
async def delete_token(call: Call) -> None:
    _existing_token(call)
    _remove_token(call, _full(call))


# -- groups -------------------------------------------------------------------------------------------------------


@operation("GET", "/access/groups")
async def groups(call: Call) -> list[dict[str, Any]]:
    listed = []
    for name, group in sorted(call.world.state.groups.items()):
        if call.can(f"/access/groups/{name}", "User.Modify", "Sys.Audit", "Group.Allocate", any=True):
            listed.append({"groupid": name, "users": ",".join(call.world.access.members(name)), **group})
    return listed


@operation("POST", "/access/groups")
async def create_group(call: Call) -> None:
    name = call.params["groupid"]
    if name in call.world.state.groups:
        raise died(f"create group failed: group '{name}' already exists")
    _save_group(call, {})


@operation("GET", "/access/groups/{groupid}")
async def read_group(call: Call) -> dict[str, Any]:
    return {**_existing_group(call), "members": call.world.access.members(call.params["groupid"])}


@operation("PUT", "/access/groups/{groupid}")
async def update_group(call: Call) -> None:
    _save_group(call, _existing_group(call))


@operation("DELETE", "/access/groups/{groupid}")
async def delete_group(call: Call) -> None:
    name = call.params["groupid"]
    _existing_group(call)
    del call.world.state.groups[name]
    call.world.save("groups", name)
    call.world.access.forget(name, "group")
    for user in call.world.access.members(name):
        call.world.state.users[user]["groups"].remove(name)
        call.world.save("users", user)


def _existing_group(call: Call) -> dict[str, Any]:
    if call.params["groupid"] not in call.world.state.groups:
        raise died(f"group '{call.params['groupid']}' does not exist")
    return call.world.state.groups[call.params["groupid"]]


def _save_group(call: Call, group: dict[str, Any]) -> None:
    if "comment" in call.params:
        group["comment"] = call.params["comment"]
    call.world.state.groups[call.params["groupid"]] = group
    call.world.save("groups", call.params["groupid"])

