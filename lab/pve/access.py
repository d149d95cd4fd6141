"""Who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.pve.world import World


class Access:
    """Users, tokens, roles and ACLs of the emulated cluster."""

    def __init__(self, world: World) -> None:
        self._world = world

    def allowed(self, identity: str, path: str, privileges: tuple[str, ...], *, any: bool = False) -> bool:
        raise NotImplementedError
