#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that makes what a node needs to join."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_join_material
author: The detectviz.infra authors (@detectviz)
short_description: Make a token and what else a node needs to join a cluster
version_added: 0.1.0
description:
  - Runs on a master. Makes a fresh bootstrap token through the API, and for a further control-plane node uploads the
    shared certificates under a fresh key. Nothing is read from the text that a program prints for people.
  - Everything it returns is secret. Give the task C(no_log).
requirements:
  - kubeadm on the node, for O(control_plane)
extends_documentation_fragment:
  - detectviz.infra._kubeadm_cluster
attributes:
  check_mode:
    description: Makes nothing and returns empty material.
    support: full
  diff_mode:
    description: Secrets are not shown.
    support: none
  idempotent:
    description: Each run makes a new token.
    support: none
options:
  address:
    description: The node's own address on the cluster's network.
    type: str
    required: true
  control_plane:
    description: Whether a control-plane node is to join.
    type: bool
    default: false
  minutes:
    description: How long the token is good for. The certificates' key is good for two hours.
    type: int
    default: 30
  cluster:
    description: The cluster's settings, as M(detectviz.infra.kubeadm_node) has them.
    required: true
"""

EXAMPLES = r"""
- name: What one more master needs
  detectviz.infra.kubeadm_join_material:
    address: 192.0.2.11
    control_plane: true
    cluster: "{{ control_plane_cluster }}"
  delegate_to: node-1
  register: joining
  no_log: true
"""

RETURN = r"""
material:
  description: For the option O(detectviz.infra.kubeadm_node#module:material).
  returned: always
  type: dict
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_arguments import CLUSTER_SPEC, runner
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_join_material import join_material
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import kubeadm_version

ARGUMENT_SPEC = {
    "address": {"type": "str", "required": True},
    "control_plane": {"type": "bool", "default": False},
    "minutes": {"type": "int", "default": 30},
    "cluster": {**CLUSTER_SPEC, "required": True},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=True, material={})
    params, run = module.params, runner(module)
    try:
        cluster = {**params["cluster"], "version": params["cluster"]["version"] or kubeadm_version(run)}
        material = join_material(
            run, time.time(), params["address"], cluster, params["control_plane"], params["minutes"]
        )
        module.exit_json(changed=True, material=material)
    except (InfraError, OSError) as error:
        module.fail_json(msg=f"join material on {params['address']}: {error}")


if __name__ == "__main__":
    main()
