"""The emulated cluster: state, time, locks, tasks, faults, access, guests. One object, handed to every call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.pve.clock import Clock
from lab.pve.errors import died
from lab.pve.faults import Faults
from lab.pve.locks import Locks
from lab.pve.state import State
from lab.pve.tasks import Tasks

if TYPE_CHECKING:
    from lab.pve.access import Access
    from lab.pve.auth import Authenticator
    from lab.pve.schema.model import Schema
    from lab.pve.stats import Stats


class World:
    """`backend` is the guest backend (lab.pve.guests); `profile` the timing profile; `schema` the API's schema."""

    def __init__(self, folder: Path, *, schema: Schema, time_scale: float = 1.0, profile: Any = None,
                 backend: Any = None, version: str = "9.2") -> None:
        self.folder = folder
        self.schema = schema
        self.version = version
        self.profile = profile
        self.backend = backend
        self.clock = Clock(time_scale)
        self.state = State(folder)
        self.faults = Faults()
        self.locks = Locks(self.clock, self.faults)
        self.tasks = Tasks(self, folder / "tasks")
        self.access: Access = _access(self)
        self.stats: Stats | None = None  # set by the server
        self.fingerprint = ""  # of the TLS certificate, set by the server
        self.authenticator: Authenticator | None = None  # set by the application

    @property
    def local_node(self) -> str:
        """The node whose port 8006 this is."""
        return self.state.meta["cluster"]["local_node"]

    @property
    def cluster_name(self) -> str | None:
        """None for a single host that is no cluster."""
        return self.state.meta["cluster"].get("name")

    def save(self, kind: str, key: Any) -> None:
        """Write one object of a table to disk (or remove it, when it is gone from the table)."""
        self.state.save(kind, key)

    def check_quorum(self) -> None:
        """Every write to the cluster's file system needs quorum."""
        if self.faults.take("no_quorum"):
            raise died("cluster not ready - no quorum?")


def _access(world: World) -> Access:
    from lab.pve.access import Access

    return Access(world)
