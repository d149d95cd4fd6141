#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module around a master's certificates."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_certificates
author: The detectviz.infra authors (@detectviz)
short_description: Issue or renew the certificates of a control-plane node
version_added: 0.1.0
description:
  - V(reissued) makes a new certificate of the API server with the names in O(cluster). V(renewed) renews every certificate
    that kubeadm manages, and starts the static pods that use them again, one after the other.
  - The old files are kept under C(/etc/kubernetes/backups).
  - Nothing is compared here. The filters P(detectviz.infra.missing_certificate_names#filter) and
    P(detectviz.infra.certificate_rows#filter) tell whether something is needed.
requirements:
  - kubeadm on the node
extends_documentation_fragment:
  - detectviz.infra._kubeadm_cluster
attributes:
  check_mode:
    description: Changes nothing.
    support: full
  diff_mode:
    description: Keys are not shown.
    support: none
  idempotent:
    description: It does what it is told each time.
    support: none
options:
  state:
    description: What is done.
    type: str
    choices: [reissued, renewed]
    required: true
  name:
    description: Name of the node.
    type: str
    required: true
  address:
    description: The node's own address on the cluster's network.
    type: str
    required: true
  cluster:
    description: The cluster's settings, as M(detectviz.infra.kubeadm_node) has them. Needed for V(reissued).
  timeout:
    description: Seconds to wait for each part to run again.
    type: int
    default: 180
"""

EXAMPLES = r"""
- name: All certificates of a master are new
  detectviz.infra.kubeadm_certificates:
    state: renewed
    name: node-1
    address: 192.0.2.11
"""

RETURN = r"""
backup:
  description: The folder that holds the old files.
  returned: when not in check mode
  type: str
  sample: /etc/kubernetes/backups/20260101T000000Z
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_arguments import CLUSTER_SPEC, runner
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_certificates import reissue, renew
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import only_one
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import kubeadm_version

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["reissued", "renewed"], "required": True},
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "cluster": CLUSTER_SPEC,
    "timeout": {"type": "int", "default": 180},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC, required_if=[("state", "reissued", ["cluster"])], supports_check_mode=True
    )
    if module.check_mode:
        module.exit_json(changed=True)
    params, run, clock = module.params, runner(module), SystemClock()
    try:
        with only_one(clock, params["timeout"]):
            if params["state"] == "reissued":
                cluster = {**params["cluster"], "version": params["cluster"]["version"] or kubeadm_version(run)}
                backup = reissue(run, clock, params["address"], params["name"], cluster, params["timeout"])
            else:
                backup = renew(run, clock, params["address"], params["name"], params["timeout"])
        module.exit_json(changed=True, backup=backup)
    except (InfraError, OSError) as error:
        module.fail_json(msg=f"{params['name']}: {error}")


if __name__ == "__main__":
    main()
