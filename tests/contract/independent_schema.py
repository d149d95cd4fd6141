"""The official `returns` as standard JSON Schema, checked by the jsonschema library.

The emulator has a validator of its own; answers are judged here by code that shares nothing with it.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import jsonschema

from lab.pve.schema import build

_BOUNDS = ("minimum", "maximum", "minLength", "maxLength")


@functools.cache
def returns_of(version: str) -> dict[tuple[str, str], dict[str, Any]]:
    """{(method, path): JSON Schema} of a release, read from the extract itself."""
    paths = json.loads(build.ensure(version).read_text(encoding="utf-8"))
    return {(method, path): translated(info["returns"]) for path, methods in paths.items()
            for method, info in methods.items()}


def translated(node: dict[str, Any]) -> dict[str, Any]:
    """Proxmox writes `optional` beside a property and booleans as 0 and 1; the rest is JSON Schema."""
    kind = node.get("type")
    schema: dict[str, Any] = {}
    if kind == "boolean":
        schema["enum"] = [0, 1]
    elif kind in ("string", "integer", "number", "null", "object", "array"):
        schema["type"] = kind
    if kind == "object" and "properties" in node:
        schema["properties"] = {name: translated(one) for name, one in node["properties"].items()
                                if not name.endswith("[n]")}
        schema["patternProperties"] = {rf"^{name[:-3]}\d+$": translated(one) for name, one in node["properties"].items()
                                       if name.endswith("[n]")}
        schema["required"] = [name for name, one in node["properties"].items()
                              if str(one.get("optional", 0)) == "0" and not name.endswith("[n]")]
    if kind == "array" and "items" in node:
        schema["items"] = translated(node["items"])
    if node.get("enum"):
        schema["enum"] = [*node["enum"], *(int(one) for one in node["enum"] if str(one).isdigit())]
    schema.update({key: float(node[key]) for key in _BOUNDS if node.get(key) is not None})
    if kind == "null" or str(node.get("optional", 0)) == "1" or not kind:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def problems(schema: dict[str, Any], data: Any) -> list[tuple[str, str]]:
    """(place, what is wrong there) of all that does not fit."""
    found = jsonschema.Draft202012Validator(schema).iter_errors(data)
    return [(".".join(map(str, one.absolute_path)) or "data", one.message[:200]) for one in found]
