# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values against the schema that a CustomResourceDefinition carries: unknown fields, types, ranges, patterns.

The API server checks all of this too, but stops early and does not know what was meant. Variables often arrive as
text, so text that is exactly a number or a truth value is taken as one where the schema wants it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

UNSIGNED_32 = ("MarkMask",)
PORT = ("Port",)
"""Ends of field names: the schema's type is only "integer" there, and a value out of range stops Felix."""

DURATION = re.compile(r"\(ms\|s\|m\|h\)")
TRUTH = {"true": True, "false": False}


def check_spec(spec: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[str]]:
    """The values as the schema's types, and every problem as ``where.field: fact, way out``. Nulls are left out."""
    problems: list[str] = []
    return _object(spec, schema, where, problems), problems


def spec_schema(definition: Mapping[str, Any], version: str) -> dict[str, Any] | None:
    """The schema of ``spec`` in one version of a CustomResourceDefinition; None if it serves no such version."""
    for entry in definition["spec"].get("versions") or []:
        if entry["name"] == version and entry.get("served", True):
            properties = ((entry.get("schema") or {}).get("openAPIV3Schema") or {}).get("properties") or {}
            return properties.get("spec") or {}
    return None


def is_established(definition: Mapping[str, Any]) -> bool:
    """Whether the API server serves the kind by now."""
    conditions = (definition.get("status") or {}).get("conditions") or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


def _object(value: Mapping[str, Any], schema: Mapping[str, Any], where: str, problems: list[str]) -> dict[str, Any]:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    is_open = bool(schema.get("x-kubernetes-preserve-unknown-fields")) or additional is True or not schema
    result = {}
    for key, item in value.items():
        if item is None:
            continue
        if key in properties:
            result[key] = _value(item, properties[key], f"{where}.{key}", problems)
        elif isinstance(additional, Mapping):
            result[key] = _value(item, additional, f"{where}.{key}", problems)
        elif is_open:
            result[key] = item
        else:
            problems.append(_unknown(str(key), properties, where))
    for key in schema.get("required") or []:
        if value.get(key) is None:
            problems.append(f"{where}.{key} is missing, and this kind needs it")
    return result


def _unknown(key: str, properties: Mapping[str, Any], where: str) -> str:
    lowered = {name.lower(): name for name in properties}
    near = difflib.get_close_matches(key.lower(), list(lowered), n=1)
    hint = f"; did you mean {lowered[near[0]]}?" if near else ""
    return f"{where}.{key} is no field of this kind in the cluster's Calico{hint}"


def _value(value: Any, schema: Mapping[str, Any], where: str, problems: list[str]) -> Any:
    kind = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            problems.append(_wrong(where, value, "a number or text"))
        return value
    if kind == "object" or (kind is None and "properties" in schema):
        if isinstance(value, Mapping):
            return _object(value, schema, where, problems)
        problems.append(_wrong(where, value, "a map"))
    elif kind == "array":
        if isinstance(value, (list, tuple)):
            items = schema.get("items") or {}
            return [_value(item, items, f"{where}[{index}]", problems) for index, item in enumerate(value)]
        problems.append(_wrong(where, value, "a list"))
    elif kind == "integer":
        return _integer(value, schema, where, problems)
    elif kind == "number":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            problems.append(_wrong(where, value, "a number"))
    elif kind == "boolean":
        truth = value if isinstance(value, bool) else TRUTH.get(str(value).lower())
        if truth is None:
            problems.append(_wrong(where, value, "true or false"))
        return truth
    elif kind == "string":
        _text(value, schema, where, problems)
    return value


def _integer(value: Any, schema: Mapping[str, Any], where: str, problems: list[str]) -> Any:
    number = value
    if isinstance(value, str):
        try:
            number = int(value, 0)
        except ValueError:
            number = None
    if isinstance(number, bool) or not isinstance(number, int):
        problems.append(_wrong(where, value, "a whole number"))
        return value
    low, high = schema.get("minimum"), schema.get("maximum")
    if where.endswith(UNSIGNED_32):
        low, high = 0, 0xFFFFFFFF
    elif where.endswith(PORT):
        low, high = 0, 65535
    if (low is not None and number < low) or (high is not None and number > high):
        problems.append(f"{where} is {number}: it must be from {low} to {high}")
    return number


def _text(value: Any, schema: Mapping[str, Any], where: str, problems: list[str]) -> None:
    pattern = schema.get("pattern") or ""
    if not isinstance(value, str):
        wanted = "a duration with its unit, such as 30s" if DURATION.search(pattern) else "text (put it in quotes)"
        problems.append(_wrong(where, value, wanted))
        return
    if schema.get("enum") and value not in schema["enum"]:
        problems.append(_wrong(where, value, "one of " + ", ".join(str(item) for item in schema["enum"] if item)))
    elif pattern and not _matches(pattern, value):
        if DURATION.search(pattern):
            problems.append(_wrong(where, value, "a duration: whole numbers with ms, s, m or h, such as 30s or 1m30s"))
        else:
            problems.append(_wrong(where, value, f"text of the form {pattern}"))


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True  # the server's expressions are Go's; it will judge this one itself


def _wrong(where: str, value: Any, wanted: str) -> str:
    return f"{where} is {value!r}: it must be {wanted}"
