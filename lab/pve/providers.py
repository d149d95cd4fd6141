"""Facts that other parts compute for the listings of the core (cluster/resources, nodes, pools).

    @provider("guest")
    def guest(world, guest) -> dict: {name, status, template, maxmem, maxcpu, maxdisk, lock, tags, ...}

    @provider("storage")
    def storage(world, node, storage_id) -> dict: {total, used, avail, active: 0|1} in bytes

Without a provider the core shows what it can tell from state alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_PROVIDERS: dict[str, Callable[..., Any]] = {}


def provider(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the one function that answers for `name`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _PROVIDERS[name] = function
        return function

    return register


def provided(name: str) -> Callable[..., Any] | None:
    return _PROVIDERS.get(name)
