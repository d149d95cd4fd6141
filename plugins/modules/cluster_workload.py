#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that reads what draining the nodes of a cluster would meet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_workload
author: The detectviz.infra authors (@detectviz)
short_description: What draining the nodes of a cluster would meet
version_added: 0.1.0
description:
  - Reads the nodes, every PodDisruptionBudget with the pods that it guards, pods that nothing makes anew, and the version
    that kubeadm keeps for the cluster.
  - It only reads, and judges nothing. The filter P(detectviz.infra.upgrade_plan#filter) does.
extends_documentation_fragment:
  - detectviz.infra._reading
options:
  kubeconfig:
    description: Path of the kubeconfig, with certificates in it.
    type: path
    required: true
  settle:
    description: Seconds that nodes and guarded pods have that are only starting. What is then so is returned.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: What a drain would meet
  detectviz.infra.cluster_workload:
    kubeconfig: "{{ state_dir }}/kubeconfig"
"""

RETURN = r"""
workload:
  description: What was seen.
  returned: success
  type: dict
  contains:
    nodes: {description: "By name: kubelet, ready, unschedulable, and whether node_drain took it out of use (C(ours)).", type: dict}
    budgets: {description: "Name, allowed disruptions, pods with their nodes.", type: list, elements: dict}
    bare: {description: Pods without a controller and their nodes., type: list, elements: dict}
    version: {description: Version that kubeadm keeps., type: str, sample: v1.35.8}
    image_repository: {description: Where the control plane's images are., type: str, sample: registry.k8s.io}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_api import MADE, cluster_api
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_workload import read_settled
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiRefused

ARGUMENT_SPEC = {"kubeconfig": {"type": "path", "required": True}, "settle": {"type": "int", "default": 0}}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        workload = read_settled(cluster_api(module.params["kubeconfig"]), SystemClock(), module.params["settle"])
    except InfraError as error:
        ended = isinstance(error, ApiRefused) and error.status == 401
        module.fail_json(msg=f"{error}: the certificate in {module.params['kubeconfig']} may have ended; {MADE}" if ended else str(error))
    module.exit_json(changed=False, workload=workload)


if __name__ == "__main__":
    main()
