"""What the cluster knows, kept on disk: one JSON file per object, replaced in one step."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

# Shapes (keys are always str):
#   nodes     name -> {name, address, cpus, memory_mb, online: bool, started: epoch}
#   storages  id   -> storage.cfg entry {storage, type, content: [..], shared: 0|1, nodes: [..]|None, size_gb, ...}
#   users     user@realm -> {enable, expire, groups: [..], comment, ..., password: hash}
#   tokens    user@realm!id -> {secret: hash, privsep, expire, comment}
#   groups    id   -> {comment, users are found by users[].groups}
#   roles     id   -> {privs: [..]}            own roles only; the built-in ones are in roles.py
#   acl       path -> {"user|group|token:<id>": {role: propagate 0|1}}
#   pools     id   -> {comment, vms: [int], storages: [str]}
#   guests    vmid -> {vmid: int, node, kind: qemu|lxc, config: {key: str}, pending, running: bool, ...}
#   volumes, networks, ... belong to the code of storages and networks
#   options   datacenter -> datacenter.cfg
TABLES = ("nodes", "storages", "users", "tokens", "groups", "roles", "acl", "pools", "guests", "volumes", "networks",
          "options", "meta")


class Table(dict):
    """A dict of JSON-able objects that writes one file per key when told to `save` it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        if folder.is_dir():
            for path in sorted(folder.glob("*.json")):
                self[unquote(path.stem)] = json.loads(path.read_text(encoding="utf-8"))

    def save(self, key: Any) -> None:
        """Write the object under `key`, or remove its file when the key is gone."""
        path = self._folder / f"{quote(str(key), safe='')}.json"
        if str(key) in self:
            write_atomic(path, json.dumps(self[str(key)], indent=1, sort_keys=True))
        else:
            path.unlink(missing_ok=True)


class State:
    """All tables of one emulated cluster in one folder. Unknown names make new tables: `state.table("x")`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables: dict[str, Table] = {}
        folder.mkdir(parents=True, exist_ok=True)
        os.chmod(folder, 0o700)

    def table(self, name: str) -> Table:
        if name not in self._tables:
            self._tables[name] = Table(self.folder / "state" / name)
        return self._tables[name]

    def __getattr__(self, name: str) -> Table:
        if name in TABLES:
            return self.table(name)
        raise AttributeError(name)

    def save(self, kind: str, key: Any) -> None:
        self.table(kind).save(key)


def write_atomic(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace the file in one step, so that a killed emulator never leaves half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    os.chmod(draft, mode)
    os.replace(draft, path)
