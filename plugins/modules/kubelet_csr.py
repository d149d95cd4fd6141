#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that approves the kubelets' requests for serving certificates."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubelet_csr
author: The detectviz.infra authors (@detectviz)
short_description: Approve kubelets' serving certificates that match the node table
version_added: 0.1.0
description:
  - Approves pending requests for C(kubernetes.io/kubelet-serving) whose name and addresses are those of the node table,
    and waits until the nodes in O(wait_for) have a certificate.
  - A request that asks for anything else is left alone. If its node is in the table, that is a warning, and the reason
    of the failure if the node is in O(wait_for) and gets no certificate in time.
requirements:
  - cryptography (on the controller)
attributes:
  check_mode:
    description: Tells what would be approved, and does not wait.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: Nothing is done where no request waits.
    support: full
options:
  kubeconfig:
    description: Path of the kubeconfig, with certificates in it.
    type: path
    required: true
  addresses:
    description: The addresses of each node of the table, by the node's name.
    type: dict
    required: true
  wait_for:
    description: Names of nodes that have no serving certificate yet.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for them.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Kubelets serve with certificates of the cluster
  detectviz.infra.kubelet_csr:
    kubeconfig: "{{ state_dir }}/kubeconfig"
    addresses:
      node-1: [192.0.2.11]
    wait_for: [node-1]
"""

RETURN = r"""
approved:
  description: Names of the nodes whose requests were, or would be, approved.
  returned: always
  type: list
  elements: str
"""

import datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline, SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_api import cluster_api
from ansible_collections.detectviz.infra.plugins.module_utils._errors import (
    DeadlineError,
    InfraError,
    ProblemsError,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubelet_csr import (
    approval,
    flaws,
    node_of,
    served,
    told,
    waiting,
)

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
POLL = 0.5

ARGUMENT_SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "addresses": {"type": "dict", "required": True},
    "wait_for": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 120},
}


def approve(module: AnsibleModule) -> dict[str, Any]:
    """Approves what is right until every awaited node has its certificate; tells of the rest."""
    params = module.params
    api = cluster_api(params["kubeconfig"])
    deadline = Deadline.after(SystemClock(), params["timeout"], "serving certificates")
    approved: list[str] = []
    wrong: dict[str, tuple[str, list[str]]] = {}
    while True:
        requests = api.get(REQUESTS)["items"]
        for request in waiting(requests):
            name, title, found = node_of(request), request["metadata"]["name"], flaws(request, params["addresses"])
            if found and name in params["addresses"]:
                wrong[title] = (name, found)
            if not found:
                approved.append(name)
                if not module.check_mode:
                    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
                    api.request("PUT", f"{REQUESTS}/{title}/approval", approval(request, now))
        missing = set(params["wait_for"])
        if missing and not module.check_mode:
            missing -= served(requests, api.get("/api/v1/nodes")["items"])
        if not missing or module.check_mode:
            for warning in told(wrong):
                module.warn(warning)
            return {"changed": bool(approved), "approved": sorted(set(approved))}
        try:
            deadline.pause(POLL, f"requests of {', '.join(sorted(missing))}")
        except DeadlineError as error:
            reasons = told({title: found for title, found in wrong.items() if found[0] in missing})
            raise ProblemsError(str(error), reasons) from error


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        module.exit_json(**approve(module))
    except InfraError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
