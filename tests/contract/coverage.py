"""Which operations of the official description the emulator answers, and requests that try each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lab.pve import api
from lab.pve.api_index import index_of
from lab.pve.registry import OPERATIONS
from lab.pve.schema.model import Operation, Schema

VERSIONS = ("9.1", "9.2")
Key = tuple[str, str]
api.load()
# What stands for a path's parameters where no object is needed.
_PLACES = {"vmid": "100", "storage": "local", "volume": "local:iso/none.iso", "iface": "vmbr0"}


def behaving(schema: Schema) -> set[Key]:
    """Operations with a handler of their own."""
    return {key for key in OPERATIONS if key in schema.operations}


def indexes(schema: Schema) -> set[Key]:
    """Directory listings of the API: GET on a path that only names what is below it."""
    found = {(one.method, one.path) for one in schema.operations.values() if index_of(schema, one) is not None}
    return found - behaving(schema)


def answered(schema: Schema) -> set[Key]:
    return behaving(schema) | indexes(schema)


def unanswered(schema: Schema) -> Iterator[Operation]:
    done = answered(schema)
    yield from (one for key, one in sorted(schema.operations.items()) if key not in done)


def example_path(template: str, node: str = "pve") -> str:
    """The path with something in the place of each parameter."""
    places = {**_PLACES, "node": node}
    return re.sub(r"\{([^}]+)\}", lambda found: places.get(found[1], "x"), template)
