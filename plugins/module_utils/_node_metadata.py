# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and taints of node objects: desired → patch. Pure.

Only what the table says, or has said, is touched: an annotation remembers which labels and taints came from it, so that
a row that loses one loses it on the node too, and those of others stay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

MANAGED = "infra.detectviz.com/from-the-table"


def node_patch(
    node: Mapping[str, Any], labels: Mapping[str, str], taints: Sequence[Mapping[str, str]], drop: Sequence[str] = ()
) -> dict[str, Any] | None:
    """The merge patch that makes a node object as the table says, or None.

    ``taints``: objects of the API. ``drop``: keys of taints that must not be there, whoever set them.
    """
    metadata, spec = node["metadata"], node.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    present = metadata.get("labels") or {}
    before = _remembered(annotations.get(MANAGED))
    changed_labels: dict[str, str | None] = {key: value for key, value in labels.items() if present.get(key) != value}
    changed_labels.update({key: None for key in before["labels"] if key not in labels and key in present})
    wanted = {(taint["key"], taint["effect"]): dict(taint) for taint in taints}
    gone = {tuple(item) for item in before["taints"]} - set(wanted)
    after = []
    for taint in spec.get("taints") or []:
        identity = (taint["key"], taint["effect"])
        if identity in wanted:
            after.append({**taint, **wanted.pop(identity)})
        elif identity not in gone and taint["key"] not in drop:
            after.append(taint)
    after += wanted.values()
    memory = json.dumps(
        {"labels": sorted(labels), "taints": sorted([taint["key"], taint["effect"]] for taint in taints)}
    )
    patch: dict[str, Any] = {"metadata": {}}
    if changed_labels:
        patch["metadata"]["labels"] = changed_labels
    if annotations.get(MANAGED) != memory:
        patch["metadata"]["annotations"] = {MANAGED: memory}
    if after != (spec.get("taints") or []):
        # With its version, as a list is replaced as a whole: a taint that somebody adds meanwhile is not lost.
        patch["metadata"]["resourceVersion"] = metadata["resourceVersion"]
        patch["spec"] = {"taints": after}
    return patch if patch["metadata"] else None


def shown(node: Mapping[str, Any], patch: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after of what a patch touches, for people."""
    labels = (patch["metadata"].get("labels") or {}).items()
    present = node["metadata"].get("labels") or {}
    before: dict[str, Any] = {"labels": {key: present[key] for key, _value in labels if key in present}}
    after: dict[str, Any] = {"labels": {key: value for key, value in labels if value is not None}}
    if "spec" in patch:
        before["taints"] = (node.get("spec") or {}).get("taints") or []
        after["taints"] = patch["spec"]["taints"]
    return before, after


def _remembered(text: str | None) -> dict[str, list[Any]]:
    try:
        found = json.loads(text or "{}")
        return {"labels": list(found.get("labels", [])), "taints": list(found.get("taints", []))}
    except (ValueError, AttributeError, TypeError):
        return {"labels": [], "taints": []}
