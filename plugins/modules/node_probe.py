#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module around the node probe."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_probe
author: The detectviz.infra authors (@detectviz)
short_description: Read what a Kubernetes node and its pods' network look like from inside
version_added: 0.1.0
description:
  - Reads volume groups, swap, kernel modules and parameters, default routes, certificates, and, in every run, what
    may be otherwise a moment later (addresses, the node's own API server and etcd); makes pods echo; and sends
    packets from the network namespaces of pods.
  - It judges nothing. The filter P(detectviz.infra.cluster_report#filter) compares its answers with what the site
    expects.
  - Must run as root. Needs C(ip) and C(ping) (iputils) on the node, and nothing in the pods.
attributes:
  check_mode:
    description: Reads the node; makes no pod echo and sends nothing.
    support: partial
    details: Without the pods of M(detectviz.infra.cluster_probe_pods) there is nothing to look from.
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: It never changes anything. The servers that echo end with their pods, or after five minutes.
    support: full
options:
  read:
    description: Whether more is read of the node than what may be otherwise a moment later.
    type: bool
    default: true
  system:
    description:
      - What is wanted of the node's operating system, which is then read with the node. It comes back beside what is so, as
        only the node's own variables tell it.
    type: dict
    suboptions:
      swap_allowed:
        description: Whether swap may be in use.
        type: bool
        default: false
      modules:
        description: Kernel modules.
        type: list
        elements: str
        default: []
      sysctls:
        description: Kernel parameters and their values, as text.
        type: dict
        default: {}
      interfaces:
        description: Interfaces of the node table, with V(name), V(addresses), V(gateway) and V(gateway6).
        type: list
        elements: dict
        default: []
  serve:
    description: Pods on this node that are made to echo, each with V(name) and V(uid).
    type: list
    elements: dict
    default: []
  port:
    description: TCP port on which they echo.
    type: int
    default: 7777
  reach:
    description:
      - Pods on this node from which targets are tried, each with V(name), V(uid) and V(targets) as the filter
        P(detectviz.infra.reach_targets#filter) gives them.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: The node is read
  detectviz.infra.node_probe:
  become: true
"""

RETURN = r"""
probe:
  description: What was seen.
  returned: success
  type: dict
  contains:
    node: {description: "What was read of the node and stays; null without O(read).", type: dict}
    now:
      description: >-
        What may be otherwise a moment later. V(addresses) by interface; V(api) and V(etcd), what the node's own ones say of
        themselves; V(api_certificate), with V(names) and V(not_after) of what its own API server shows, or V(error);
        V(etcd_writes), with V(seconds) and V(writes) that etcd has written to its disk since it began, of which two tell how fast
        the disk is. What the node does not have is null.
      type: dict
    serve_problems: {description: By pod why it does not echo., type: dict}
    reach: {description: By pod what it reached., type: dict}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._node_probe import (
    reach_from_pods,
    read_node,
    read_now,
    serve_pods,
)

ARGUMENT_SPEC = {
    "read": {"type": "bool", "default": True},
    "system": {
        "type": "dict",
        "options": {
            "swap_allowed": {"type": "bool", "default": False},
            "modules": {"type": "list", "elements": "str", "default": []},
            "sysctls": {"type": "dict", "default": {}},
            "interfaces": {"type": "list", "elements": "dict", "default": []},
        },
    },
    "serve": {"type": "list", "elements": "dict", "default": []},
    "port": {"type": "int", "default": 7777},
    "reach": {"type": "list", "elements": "dict", "default": []},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    for program in ("ip", "ping"):
        module.get_bin_path(program, required=True)
    params = module.params

    def run(command: list[str]) -> tuple[int, str]:
        program = module.get_bin_path(command[0], opt_dirs=["/usr/local/bin", "/usr/sbin", "/sbin"])
        if program is None:
            return 127, ""
        code, output, _errors = module.run_command([program, *command[1:]], environ_update={"LC_ALL": "C"})
        return code, output

    pods = [] if module.check_mode else params["serve"]
    sources = [] if module.check_mode else params["reach"]
    probe = {
        "node": read_node(run, params["system"]) if params["read"] else None,
        "serve_problems": serve_pods(pods, params["port"]),
        "reach": reach_from_pods(run, sources),
        # The last of all, so that two runs are two looks with all of this between them.
        "now": read_now(run),
    }
    module.exit_json(changed=False, probe=probe)


if __name__ == "__main__":
    main()
