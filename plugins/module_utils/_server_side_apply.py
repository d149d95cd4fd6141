# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-side apply as pure functions: what an object's fields and owners are, and who stands in the way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_CONFLICT = re.compile(r'conflict with "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Conflict:
    """A field that another manager owns with another value."""

    field: str
    manager: str


def conflicts_of(causes: Sequence[Mapping[str, Any]]) -> list[Conflict]:
    """From the causes of a refusal. The API tells the manager's name in a sentence only."""
    result = []
    for cause in causes:
        if cause.get("reason") == "FieldManagerConflict":
            message = str(cause.get("message") or "")
            found = _CONFLICT.search(message)
            result.append(Conflict(str(cause.get("field") or "").lstrip("."), found[1] if found else message))
    return result


def owned_fields(item: Mapping[str, Any] | None, manager: str) -> list[str]:
    """Paths such as ``spec.vxlanMTU`` that a manager has applied to an object, sorted."""
    for entry in ((item or {}).get("metadata") or {}).get("managedFields") or []:
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            return sorted(_leaves(entry.get("fieldsV1") or {}, ""))
    return []


def _leaves(fields: Mapping[str, Any], path: str) -> list[str]:
    """``f:`` is a field; ``k:`` and ``v:`` are items of a list, which count as part of it."""
    children = {key[2:]: value for key, value in fields.items() if key.startswith("f:")}
    if not children:
        return [path] if path else []
    return [leaf for key, value in children.items() for leaf in _leaves(value, f"{path}.{key}" if path else key)]


def applied_view(item: Mapping[str, Any] | None, manager: str) -> dict[str, Any]:
    """The part of an object that an apply can change, without the server's own bookkeeping; empty for no object."""
    if item is None:
        return {}
    metadata = item.get("metadata") or {}
    view = {
        "labels": metadata.get("labels") or {},
        "annotations": metadata.get("annotations") or {},
        "spec": item.get("spec") or {},
        f"fields managed by {manager}": owned_fields(item, manager),
    }
    return {key: value for key, value in view.items() if value}


def tidy(item: Mapping[str, Any]) -> dict[str, Any]:
    """The object without the list of who manages what, which is longer than the object."""
    metadata = {key: value for key, value in (item.get("metadata") or {}).items() if key != "managedFields"}
    return {**item, "metadata": metadata}
