"""Directory listings of the API: GET on a path whose only content is the names below it.

Answered where something below is implemented; an index of nothing would look like more than there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.pve.registry import OPERATIONS

if TYPE_CHECKING:
    from lab.pve.registry import Call, Handler
    from lab.pve.schema.model import Operation, Schema


def index_of(schema: Schema, operation: Operation) -> Handler | None:
    """A handler for a pure index, or None: one whose children are fixed names, not objects."""
    if operation.method != "GET" or operation.child is None or operation.returns.get("type") != "array":
        return None
    children = schema.children(operation.path)
    fields = set(operation.returns.get("items", {}).get("properties") or {})
    if not children or not fields <= {operation.child}:
        return None
    if not any(path.startswith(f"{operation.path}/") for _method, path in OPERATIONS):
        return None
    key = operation.child

    async def index(call: Call) -> list[dict[str, Any]]:
        return [{key: name} for name in children]

    return index
