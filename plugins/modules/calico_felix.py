#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that configures Calico through the Kubernetes API."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_felix
author: The detectviz.infra authors (@detectviz)
short_description: Calico's FelixConfiguration, IP pools and BGPConfiguration
version_added: 0.1.0
description:
  - Applies Calico's objects through the Kubernetes API by server-side apply, so that fields of others stay theirs.
  - Uses C(projectcalico.org/v3) where the cluster serves it, else C(crd.projectcalico.org/v1), and waits until the
    definitions are established.
  - Fields and types are checked against the schema in the cluster's own definitions. Text that is exactly a number or a
    truth value is taken as one. A field that the cluster's Calico does not know is refused with the nearest known name.
  - Nothing is changed unless every object passes a dry run on the server.
  - Fields that were given in an earlier run and are not given any more are removed, unless someone else manages them
    too.
  - Pools are never deleted.
extends_documentation_fragment:
  - detectviz.infra._kubernetes
attributes:
  check_mode:
    description: Runs the server's own dry run.
    support: full
  diff_mode:
    description: Shows spec and managed fields of each object before and after.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
options:
  felix_configuration:
    description:
      - The C(spec) of the FelixConfiguration.
      - A change may restart Felix on every node, which is told in RV(restarts_felix) and as a warning.
      - V(0xffff0000) in C(iptablesMarkMask) or C(nftablesMarkMask) is Felix' default. The API takes no number above
        V(0x7fffffff) there, so the field is left out then.
    type: dict
  felix_configuration_name:
    description: V(default) for all nodes, or V(node.) and the name of one.
    type: str
    default: default
  ip_pools:
    description: Pools of addresses for pods.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the pool. The one that Calico makes at its start is V(default-ipv4-ippool).
        type: str
        required: true
      spec:
        description:
          - The C(spec) of the IPPool.
          - C(cidr) and C(blockSize) of a pool that is there cannot change. Another encapsulation can, and is explained.
        type: dict
        required: true
  bgp_configuration:
    description: The C(spec) of the BGPConfiguration.
    type: dict
  bgp_configuration_name:
    description: V(default) for all nodes, or V(node.) and the name of one.
    type: str
    default: default
  take_over_from:
    description:
      - Names of field managers, such as C(calico-node), whose fields may be taken over.
      - Calico makes its first objects itself, and manages their fields from then on.
    type: list
    elements: str
    default: []
  force:
    description: Whether fields of every other manager are taken over.
    type: bool
    default: false
  timeout:
    description: How long to wait for Calico's definitions, in seconds. Check mode does not wait.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Felix and the pool are as the site says
  detectviz.infra.calico_felix:
    kubeconfig: ~/.kube/config
    felix_configuration:
      vxlanMTU: 1450
      reportingInterval: 30s
      prometheusMetricsEnabled: true
    ip_pools:
      - name: default-ipv4-ippool
        spec:
          cidr: 10.244.0.0/16
          vxlanMode: Always
          ipipMode: Never
          natOutgoing: true
    take_over_from: [calico-node]
"""

RETURN = r"""
api_version:
  description: The API that was used.
  returned: success
  type: str
  sample: crd.projectcalico.org/v1
felix_configuration:
  description: The FelixConfiguration as it is now, in check mode as it would be; null if it was not asked for.
  returned: success
  type: dict
ip_pools:
  description: The pools of O(ip_pools), in their order.
  returned: success
  type: list
  elements: dict
bgp_configuration:
  description: The BGPConfiguration; null if it was not asked for.
  returned: success
  type: dict
restarts_felix:
  description: Whether Felix may restart because of this run.
  returned: success
  type: bool
explanations:
  description: What the changes mean, in sentences.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._calico_apply import apply_objects
from ansible_collections.detectviz.infra.plugins.module_utils._calico_rules import BGP, FELIX, POOL, wanted_objects
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline, SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_args import kube_api_of, kube_argument_spec

ARGUMENT_SPEC = {
    "felix_configuration": {"type": "dict"},
    "felix_configuration_name": {"type": "str", "default": "default"},
    "ip_pools": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "spec": {"type": "dict", "required": True}},
    },
    "bgp_configuration": {"type": "dict"},
    "bgp_configuration_name": {"type": "str", "default": "default"},
    "take_over_from": {"type": "list", "elements": "str", "default": []},
    "force": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 120},
}


def main() -> None:
    module = AnsibleModule(argument_spec={**kube_argument_spec(), **ARGUMENT_SPEC}, supports_check_mode=True)
    params = module.params
    api = kube_api_of(module)
    deadline = Deadline.after(SystemClock(), params["timeout"], "calico_felix")
    try:
        outcome = apply_objects(
            api, wanted_objects(params), deadline, params["force"], params["take_over_from"], module.check_mode
        )
    except InfraError as error:
        module.fail_json(msg=str(error))
    for text in outcome.explanations:
        module.warn(text)
    found = {POOL: [], FELIX: [], BGP: []}
    for wanted, item in outcome.objects:
        found[wanted.kind].append(item)
    module.exit_json(
        changed=outcome.changed,
        diff={"before": outcome.before, "after": outcome.after},
        api_version=outcome.api_version,
        felix_configuration=(found[FELIX] or [None])[0],
        ip_pools=found[POOL],
        bgp_configuration=(found[BGP] or [None])[0],
        restarts_felix=outcome.restarts_felix,
        explanations=outcome.explanations,
    )


if __name__ == "__main__":
    main()
