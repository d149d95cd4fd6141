"""Where a lab keeps what: everything of one lab lies below one folder that `down` removes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


class BadName(ValueError):
    """The name cannot be used for namespaces and control groups."""


@dataclass(frozen=True)
class Places:
    """Paths and names of the lab called `name`."""

    name: str
    folder: Path

    @classmethod
    def of(cls, name: str) -> Places:
        """Raises BadName."""
        if not NAME.fullmatch(name):
            raise BadName(f"lab name '{name}': use up to 32 lower-case letters, digits and dashes")
        return cls(name, labs_folder() / name)

    @property
    def namespace(self) -> str:
        """Also the name of the lab's control group and the beginning of its containers' names."""
        return f"dvz-{self.name}"

    @property
    def connection(self) -> Path:
        return self.folder / "connection.json"

    @property
    def environment(self) -> Path:
        return self.folder / "env"

    @property
    def key(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def site(self) -> Path:
        return self.folder / "site"

    @property
    def emulator(self) -> Path:
        return self.folder / "pve"

    @property
    def systems(self) -> Path:
        return self.folder / "systems"

    @property
    def host(self) -> Path:
        """The Proxmox host's own system."""
        return self.systems / "host"

    @property
    def served(self) -> Path:
        """What the lab's file server offers."""
        return self.folder / "files"

    @property
    def programs(self) -> Path:
        """Commands that only `exec` finds."""
        return self.folder / "bin"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def facts(self) -> Path:
        """What `up` has made, for the other commands."""
        return self.folder / "lab.json"


def labs_folder() -> Path:
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local/state") / "detectviz-infra" / "lab"


def known_labs() -> list[str]:
    folder = labs_folder()
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and NAME.fullmatch(path.name))
