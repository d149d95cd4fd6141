#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that makes and removes the pods of the acceptance checks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_probe_pods
author: The detectviz.infra authors (@detectviz)
short_description: Pods for looking at the pods' network
version_added: 0.1.0
description:
  - Makes a namespace with a pod that does nothing on every node, a Service in front of them, and two more pods with a
    NetworkPolicy between them. M(detectviz.infra.node_probe) enters the network namespaces of these pods.
  - Every run has a namespace of its own. The pods end by themselves after half an hour, should nobody remove them, and a
    later run removes what is left.
  - A pod that does not run in time is no failure of the module but told with its reason.
extends_documentation_fragment:
  - detectviz.infra._kubernetes
attributes:
  check_mode:
    description: Makes and removes nothing, and says so.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: With O(state=present) every run makes pods of its own.
    support: partial
options:
  state:
    description: Whether the pods are to be there.
    type: str
    choices: [present, absent]
    default: present
  namespace:
    description: Name of the namespace that is removed. One that is not labelled as of these checks is left alone.
    type: str
  nodes:
    description: Names of the nodes that get a pod. Without them every node of the cluster.
    type: list
    elements: str
    default: []
  image:
    description: The pods' image, which must go on doing nothing. Without it the pause image that the nodes have.
    type: str
  timeout:
    description: Seconds for the pods to run, or for everything to be gone.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Pods to look at the network from
  detectviz.infra.cluster_probe_pods:
    kubeconfig: ~/.kube/config
  register: made

- name: They are removed
  detectviz.infra.cluster_probe_pods:
    kubeconfig: ~/.kube/config
    namespace: "{{ made.probe.namespace }}"
    state: absent
"""

RETURN = r"""
probe:
  description: What was made; null with O(state=absent) and in check mode.
  returned: success
  type: dict
  contains:
    namespace: {description: The namespace., type: str}
    image: {description: The pods' image., type: str}
    port: {description: TCP port on which the pods are made to echo., type: int}
    service: {description: "C(name) and C(addresses) of the Service.", type: dict}
    pods: {description: "C(name), C(role), C(node), C(uid), C(addresses), C(reason).", type: list, elements: dict}
"""

import datetime

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline, SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_info import node_view, pause_image
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_args import kube_api_of, kube_argument_spec
from ansible_collections.detectviz.infra.plugins.module_utils._probe_pods import (
    make_probe,
    remove_leftovers,
    remove_probe,
)

FALLBACK_IMAGE = "registry.k8s.io/pause:3.10"

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "namespace": {"type": "str"},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "image": {"type": "str"},
    "timeout": {"type": "int", "default": 120},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={**kube_argument_spec(), **ARGUMENT_SPEC},
        required_if=[("state", "absent", ["namespace"])],
        supports_check_mode=True,
    )
    params = module.params
    namespace = params["namespace"]
    api = kube_api_of(module)
    deadline = Deadline.after(SystemClock(), params["timeout"], "cluster_probe_pods")
    try:
        if params["state"] == "absent":
            path = f"/api/v1/namespaces/{namespace}"
            changed = api.find(path) is not None if module.check_mode else remove_probe(api, namespace, deadline)
            module.exit_json(changed=changed, probe=None)
        seen = {item["metadata"]["name"]: node_view(item) for item in api.items("/api/v1/nodes")}
        nodes = [name for name in params["nodes"] or sorted(seen) if name in seen]
        if not nodes:
            module.fail_json(msg=f"{api.host} has none of the nodes {', '.join(params['nodes'])}: no pod can be made")
        image = params["image"] or pause_image(list(seen.values())) or FALLBACK_IMAGE
        if module.check_mode:
            module.exit_json(changed=True, probe=None)
        remove_leftovers(api, datetime.datetime.now(datetime.timezone.utc))
        probe = make_probe(api, nodes, image, deadline)
    except InfraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, probe=probe)


if __name__ == "__main__":
    main()
