"""The first start: nodes, storages, root@pam, and an administrator's token; later starts find them on disk."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from lab.pve.auth import hash_secret, new_token_secret
from lab.pve.state import write_atomic

if TYPE_CHECKING:
    from lab.pve.site import Layout
    from lab.pve.tls import Certificates
    from lab.pve.world import World

ADMIN, TOKEN = "root@pam", "lab"


def first_start(world: World, layout: Layout) -> bool:
    """Fill an empty state. False when there was one, which then stays as it is."""
    if "cluster" in world.state.meta:
        return False
    _put(world, "meta", "cluster", {
        "name": layout.cluster, "local_node": layout.nodes[0]["name"], "signing_key": secrets.token_hex(32),
        "management_bridge": layout.bridge})
    for node in layout.nodes:
        _put(world, "nodes", node["name"], {**node, "started": world.clock.now()})
    for storage in layout.storages:
        _put(world, "storages", storage["storage"], storage)
    password, token_secret = secrets.token_urlsafe(18), new_token_secret()
    _put(world, "meta", "administrator", {"password": password, "token_secret": token_secret})
    _put(world, "users", ADMIN, {"enable": 1, "expire": 0, "groups": [], "email": "root@localhost",
                                 "password": hash_secret(password)})
    _put(world, "tokens", f"{ADMIN}!{TOKEN}", {"secret": hash_secret(token_secret), "privsep": 0, "expire": 0,
                                              "comment": "administrator of the lab"})
    _put(world, "options", "datacenter", {"keyboard": "en-us"})
    return True


def write_connection(world: World, certificates: Certificates, host: str, port: int) -> None:
    """`connection.json`: all that a client needs, readable by its owner only. Written when the server listens."""
    administrator = world.state.meta["administrator"]
    connection = {"host": host, "port": port, "node": world.local_node, "ca_path": str(certificates.ca_path),
                  "fingerprint": certificates.fingerprint, "user": ADMIN, "password": administrator["password"],
                  "token_id": TOKEN, "token_secret": administrator["token_secret"]}
    write_atomic(world.folder / "connection.json", json.dumps(connection, indent=1))


def _put(world: World, kind: str, key: str, data: dict[str, Any]) -> None:
    world.state.table(kind)[key] = data
    world.save(kind, key)
