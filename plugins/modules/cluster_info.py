#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that reads a cluster through its API."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
author: The detectviz.infra authors (@detectviz)
short_description: What a Kubernetes cluster looks like through its API
version_added: 0.1.0
description:
  - Reads version, health, served certificate, nodes, the pods of C(kube-system), the lease of the VIP, kubeadm's,
    kube-proxy's and Calico's configuration, in one run.
  - It only reads, and judges nothing. The filter P(detectviz.infra.cluster_report#filter) compares its answers with what
    the site expects.
extends_documentation_fragment:
  - detectviz.infra._kubernetes
  - detectviz.infra._reading
options:
  lease:
    description: The lease in C(kube-system) whose holder has the VIP.
    type: str
    default: plndr-cp-lock
  settle:
    description:
      - Seconds that a cluster has of which something is only starting. What is not ready then is returned as it is.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: The cluster is read
  detectviz.infra.cluster_info:
    kubeconfig: ~/.kube/config
"""

RETURN = r"""
cluster:
  description: What was seen.
  returned: success
  type: dict
  contains:
    server: {description: The URL that was asked., type: str, sample: "https://192.0.2.10:6443"}
    version: {description: Version of the API server that answered., type: str, sample: v1.36.3}
    health: {description: "The answer of C(/readyz), or why it is none.", type: str, sample: ok}
    certificate: {description: "C(names) and C(not_after) of the served certificate, or C(error).", type: dict}
    nodes: {description: "By name: labels, taints, conditions, addresses, Calico's addresses, versions.", type: dict}
    pods: {description: "Pods of C(kube-system): name, app, node, static, phase, ready, images.", type: list, elements: dict}
    controllers: {description: Wanted and ready pods of DaemonSets and Deployments in C(kube-system)., type: dict}
    lease:
      description: >-
        C(holder), whether it was C(renewed) while it was C(watched), and C(duration), both in seconds; null if there is none.
        One that is not renewed is watched for twice its duration.
      type: dict
    kubeadm: {description: "Endpoint, version and networks that kubeadm has kept.", type: dict}
    proxy_mode: {description: Mode of kube-proxy., type: str, sample: iptables}
    felix: {description: "Spec of the FelixConfiguration V(default), null if there is none.", type: dict}
    pools: {description: Specs of Calico's pools by name., type: dict}
    services: {description: "Addresses of the Services C(kubernetes) and C(dns).", type: dict}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline, SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_info import read_settled
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_args import kube_api_of, kube_argument_spec

ARGUMENT_SPEC = {
    "lease": {"type": "str", "default": "plndr-cp-lock"},
    "settle": {"type": "int", "default": 0},
}


def main() -> None:
    module = AnsibleModule(argument_spec={**kube_argument_spec(), **ARGUMENT_SPEC}, supports_check_mode=True)
    api = kube_api_of(module)
    deadline = Deadline.after(SystemClock(), module.params["settle"], "cluster_info")
    try:
        cluster = read_settled(api, api.ca_file, module.params["lease"], deadline)
    except InfraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, cluster=cluster)


if __name__ == "__main__":
    main()
