#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module around kubeadm upgrade on one node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_upgrade
author: The detectviz.infra authors (@detectviz)
short_description: Bring one node of a cluster to another version with kubeadm
version_added: 0.1.0
description:
  - Reads the versions of a node, or runs C(kubeadm upgrade apply) or C(kubeadm upgrade node) there and waits until the node
    is whole in the new version.
  - Which node takes which command, and whether the upgrade may begin, is decided by the filter
    P(detectviz.infra.upgrade_plan#filter) from what all nodes say.
  - What is begun is written down on the node first. A run that ends in the middle is gone on with by the next one, which
    also puts manifests back that kubeadm had moved aside at that moment.
requirements:
  - kubeadm in the wanted version
attributes:
  check_mode:
    description: Says what would be done and does nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: V(observed) and V(settled) change nothing else than what a killed kubeadm has left. V(upgraded) does as told.
    support: partial
options:
  state:
    description:
      - V(observed) reads, after a kubeadm that a killed run has left at work has ended.
      - V(images) fetches the control plane's images that are missing.
      - V(upgraded) runs kubeadm, and waits as V(settled) does.
      - V(settled) waits until the control plane of the node runs in the version and every member of etcd is healthy; for
        a worker, until its kubelet is.
    type: str
    choices: [observed, images, upgraded, settled]
    default: observed
  name:
    description: Name of the node.
    type: str
    required: true
  address:
    description: The node's own address on the cluster's network.
    type: str
    required: true
  control_plane:
    description: Whether the node is one of the control plane.
    type: bool
    default: false
  version:
    description: The wanted version in full, such as V(v1.36.3). Needed for all but V(observed).
    type: str
  command:
    description: V(apply) on the first node of a cluster, V(node) on every other one. Needed for V(upgraded).
    type: str
    choices: [apply, node]
  image_repository:
    description: Where the control plane's images are. By default C(registry.k8s.io).
    type: str
  ignore_preflight_errors:
    description: Checks of kubeadm that may fail, by name. V(all) is refused.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for a node to be whole after kubeadm has ended, and for a kubeadm that is still at work.
    type: int
    default: 300
seealso:
  - module: detectviz.infra.kubeadm_node
  - plugin: detectviz.infra.upgrade_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: What runs on the node
  detectviz.infra.kubeadm_upgrade:
    name: node-1
    address: 192.0.2.11

- name: The first control-plane node runs the new version
  detectviz.infra.kubeadm_upgrade:
    state: upgraded
    name: node-1
    address: 192.0.2.11
    control_plane: true
    command: apply
    version: v1.36.3
"""

RETURN = r"""
node:
  description: What was read.
  returned: state is observed
  type: dict
  contains:
    kubeadm: {description: Version of kubeadm., type: str, sample: v1.36.3}
    kubelet: {description: Version of the kubelet that is installed., type: str, sample: v1.35.8}
    static_pods: {description: Tag of the image of each static pod of the control plane., type: dict}
    begun: {description: "C(command) and C(version) of an upgrade that was begun here and has not ended.", type: dict}
    api_server: {description: Version of the node's own API server., type: str, sample: v1.35.8}
    deprecated: {description: APIs that somebody has asked for and that a later version removes., type: list, elements: dict}
    etcd_problem: {description: Why etcd is not whole as seen from here., type: str}
restored:
  description: Static pods whose manifests a killed kubeadm had moved aside, and that were put back.
  returned: state is observed or upgraded
  type: list
  elements: str
images:
  description: Images that were, or would be, fetched. A check run can name none where kubeadm is not installed yet.
  returned: state is images
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_upgrade as upgrade
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_arguments import runner
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import only_one
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import kubeadm_version

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["observed", "images", "upgraded", "settled"], "default": "observed"},
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "control_plane": {"type": "bool", "default": False},
    "version": {"type": "str"},
    "command": {"type": "str", "choices": ["apply", "node"]},
    "image_repository": {"type": "str"},
    "ignore_preflight_errors": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 300},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Does what the state says; the module's result."""
    params, run, clock = module.params, runner(module), SystemClock()
    state = params["state"]
    with only_one(clock, params["timeout"]):
        upgrade.quiet(clock, params["timeout"])
        restored = [] if module.check_mode or state in ("images", "settled") else upgrade.restore_manifests()
        if state == "observed":
            seen = upgrade.observe(run, params["address"])
            return {"changed": bool(restored), "restored": restored, "node": seen}
        if state == "images":
            # Only a check run comes so far without kubeadm, which knows the images: all are still to be fetched.
            if module.check_mode and kubeadm_version(run) is None:
                return {"changed": True, "images": []}
            images = upgrade.pull_images(run, params["version"], params["image_repository"], module.check_mode)
            return {"changed": bool(images), "images": images}
        if module.check_mode:
            return {"changed": state != "settled"}
        if state == "settled":
            upgrade.settle(clock, params, params["timeout"])
            return {"changed": False}
        upgrade.upgrade(run, clock, params, params["timeout"])
        return {"changed": True, "restored": restored}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[
            ("state", "images", ["version"]),
            ("state", "upgraded", ["version", "command"]),
            ("state", "settled", ["version"]),
        ],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**act(module))
    except (InfraError, OSError) as error:
        module.fail_json(msg=f"{module.params['name']}: {error}")


if __name__ == "__main__":
    main()
