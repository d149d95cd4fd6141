#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that moves the pods of a node elsewhere, and gives the node back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_drain
author: The detectviz.infra authors (@detectviz)
short_description: Move the pods of a node elsewhere, and give the node back
version_added: 0.1.0
description:
  - V(drained) takes a node out of use, and asks for the eviction of its pods until they are gone. What a
    PodDisruptionBudget refuses is asked for again until O(timeout) is over.
  - If that does not end well the node is given back, and told how many pods have left it; they stay where they are now.
  - Pods of DaemonSets, static pods and pods that have ended stay. What a pod keeps in an C(emptyDir) is lost with it, and is
    not asked about.
  - V(released) waits until the node is ready, and gives it back only if this module has taken it out of use. An annotation
    on the node remembers that, also when a run is killed.
  - (M(kubernetes.core.k8s_drain) fails at the first refusal, does not fail when its time is over, and has no check mode.)
attributes:
  check_mode:
    description: Says whether something would be done and does nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  kubeconfig:
    description: Path of the kubeconfig, with certificates in it.
    type: path
    required: true
  name:
    description: Name of the node.
    type: str
    required: true
  state:
    description: Whether the node is emptied, or used again.
    type: str
    choices: [drained, released]
    required: true
  reason:
    description: What the annotation says.
    type: str
    default: drained
  bare_pods:
    description:
      - For V(drained), what becomes of pods that no controller makes anew. V(kept) refuses to drain a node that has any, and
        names them; V(lost) ends them as the others.
    type: str
    choices: [kept, lost]
    default: kept
  version:
    description: For V(released), the version of the kubelet that is waited for, such as V(v1.36.3).
    type: str
  timeout:
    description: How long all of it may take, in seconds.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Pods go elsewhere
  detectviz.infra.node_drain:
    kubeconfig: "{{ state_dir }}/kubeconfig"
    name: node-1
    state: drained

- name: The node takes pods again
  detectviz.infra.node_drain:
    kubeconfig: "{{ state_dir }}/kubeconfig"
    name: node-1
    state: released
"""

RETURN = r"""
pods:
  description: How many pods have left the node, or would.
  returned: state is drained
  type: int
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_api import cluster_api
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._node_drain import Node

ARGUMENT_SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["drained", "released"], "required": True},
    "reason": {"type": "str", "default": "drained"},
    "bare_pods": {"type": "str", "choices": ["kept", "lost"], "default": "kept"},
    "version": {"type": "str"},
    "timeout": {"type": "int", "default": 300},
}


def drain(module: AnsibleModule, node: Node) -> dict[str, Any]:
    pods = node.pods()
    bare = [f"{pod['namespace']}/{pod['name']}" for pod in pods if pod["bare"]]
    if bare and module.params["bare_pods"] == "kept":
        raise InfraError(
            f"{', '.join(bare)} on {module.params['name']} would be lost, as nothing makes them anew: delete them, let a "
            "controller make them, or say that they may be lost. No pod was evicted"
        )
    if module.check_mode:
        return {"changed": bool(pods) or not node.state()["unschedulable"], "pods": len(pods)}
    taken = node.take(module.params["reason"])
    try:
        moved = node.drain()
    except InfraError as error:
        raise InfraError(f"{error}. {given_back(module.params['name'], node)}; {node.left} pods have left it") from error
    return {"changed": taken or moved > 0, "pods": moved}


def given_back(name: str, node: Node) -> str:
    """What becomes of a node whose drain did not end well, in words: the API may be what is away."""
    try:
        return "It takes pods again" if node.give_back() else "It stays out of use, as it was before"
    except InfraError as error:
        return f"It stays out of use, as it could not be given back ({error}): run again, or kubectl uncordon {name}"


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        node = Node(cluster_api(params["kubeconfig"]), params["name"], SystemClock(), params["timeout"])
        if params["state"] == "drained":
            module.exit_json(**drain(module, node))
        ours = node.state()["ours"] if module.check_mode else node.give(params["version"])
        module.exit_json(changed=ours)
    except InfraError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
