#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module around labels and taints of all nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_metadata
author: The detectviz.infra authors (@detectviz)
short_description: Set labels and taints of a cluster's nodes in one call
version_added: 0.1.0
description:
  - Gives every named node its labels and taints. One request reads all nodes, and one more changes each that differs. A node
    that somebody else changes meanwhile is read again.
  - Labels and taints of others stay. What this module has set and is no longer asked for is removed; an annotation on
    the node remembers it.
attributes:
  check_mode:
    description: Reads, compares, and changes nothing. Nodes that are still to join are shown as they will be.
    support: full
  diff_mode:
    description: Shows the labels and taints that change.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  kubeconfig:
    description: Path of the kubeconfig, with certificates in it.
    type: path
    required: true
  nodes:
    description: Names of the nodes.
    type: list
    elements: str
    required: true
  labels:
    description: Labels of each node, by its name.
    type: dict
    default: {}
  taints:
    description: Taints of each node by its name, such as C(key=value:NoSchedule), or objects of the API.
    type: dict
    default: {}
  control_plane:
    description: Those of O(nodes) that are control-plane nodes.
    type: list
    elements: str
    default: []
  schedulable_control_plane:
    description: Whether ordinary pods may run on control-plane nodes. Else they keep kubeadm's taint.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Labels and taints
  detectviz.infra.node_metadata:
    kubeconfig: "{{ state_dir }}/kubeconfig"
    nodes: [node-1]
    labels:
      node-1: {topology.kubernetes.io/zone: pve1}
    taints:
      node-1: [dedicated=storage:NoSchedule]
"""

RETURN = r"""
nodes:
  description: Names of the nodes that were, or would be, changed.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_api import cluster_api
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_config import CONTROL_PLANE_TAINT, parse_taints
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiRefused, HttpsJson
from ansible_collections.detectviz.infra.plugins.module_utils._node_metadata import node_patch, shown

TRIES = 5
"""How often a node is patched that others change meanwhile, as its kubelet and Calico do when it joins."""

ARGUMENT_SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "nodes": {"type": "list", "elements": "str", "required": True},
    "labels": {"type": "dict", "default": {}},
    "taints": {"type": "dict", "default": {}},
    "control_plane": {"type": "list", "elements": "str", "default": []},
    "schedulable_control_plane": {"type": "bool", "default": False},
}


def planned(
    params: dict[str, Any], present: dict[str, Any], check_mode: bool
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The patch of each node that differs, and the diff. ``present``: node objects by name.

    A check run may be about nodes that a real run joins before: they are shown as they will be.
    """
    missing = [name for name in params["nodes"] if name not in present]
    if missing and not check_mode:
        raise ProblemsError("labels and taints", [f"{name} is not a node of the cluster" for name in missing])
    patches: dict[str, Any] = {}
    diff: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
    for name in params["nodes"]:
        labels = {key: str(value) for key, value in (params["labels"].get(name) or {}).items()}
        taints = parse_taints(params["taints"].get(name) or [])
        master, schedulable = name in params["control_plane"], params["schedulable_control_plane"]
        if master and not schedulable:
            taints.append(CONTROL_PLANE_TAINT)
        drop = [CONTROL_PLANE_TAINT["key"]] if master and schedulable else []
        node = present.get(name) or {"metadata": {"name": name, "resourceVersion": ""}}
        patch = node_patch(node, labels, taints, drop)
        if patch is not None:
            patches[name] = patch
            diff["before"][name], diff["after"][name] = shown(node, patch)
    return patches, diff


def apply(module: AnsibleModule) -> dict[str, Any]:
    """Compares all nodes, and patches those that differ."""
    api = cluster_api(module.params["kubeconfig"])
    present = {item["metadata"]["name"]: item for item in api.get("/api/v1/nodes")["items"]}
    patches, diff = planned(module.params, present, module.check_mode)
    if not module.check_mode:
        for name, patch in patches.items():
            patch_node(api, module.params, name, patch)
    return {"changed": bool(patches), "nodes": list(patches), "diff": diff}


def patch_node(api: HttpsJson, params: dict[str, Any], name: str, patch: dict[str, Any] | None) -> None:
    """Patches a node as it was read. One that has changed since then is read again, and its patch made anew."""
    path = f"/api/v1/nodes/{name}"
    for left in reversed(range(TRIES)):
        if patch is None:
            return
        try:
            api.patch(path, patch)
            return
        except ApiRefused as error:
            if error.status != 409 or not left:
                raise
        patch = planned({**params, "nodes": [name]}, {name: api.get(path)}, check_mode=False)[0].get(name)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        module.exit_json(**apply(module))
    except InfraError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
