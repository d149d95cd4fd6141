# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that says what the probe pods of a node have to reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._reach_targets import reach_targets

DOCUMENTATION = r"""
name: reach_targets
author: The detectviz.infra authors (@detectviz)
short_description: What the probe pods of a node have to reach
version_added: 0.1.0
description:
  - Each pod reaches the pods of all other nodes with packets of full size, the Service, and names by DNS; one pod is
    kept from another by a NetworkPolicy.
positional: _input, node, mtu, services, egress
options:
  _input:
    description: V(probe) of M(detectviz.infra.cluster_probe_pods); null gives nothing to do.
    type: dict
    required: true
  node:
    description: Name of the node.
    type: str
    required: true
  mtu:
    description: MTU of the pods' network in bytes.
    type: int
    required: true
  services:
    description: V(services) of M(detectviz.infra.cluster_info).
    type: dict
    required: true
  egress:
    description: Targets outside the cluster that a pod on the node reaches by TCP, such as V(example.org:443).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: What the pods of node-1 reach
  ansible.builtin.debug:
    msg: "{{ probe | detectviz.infra.reach_targets('node-1', 1450, {'kubernetes': ['10.96.0.1']}) }}"
  vars:
    probe: null
"""

RETURN = r"""
_value:
  description:
    - V(serve) and V(reach), for the options O(detectviz.infra.node_probe#module:serve) and
      O(detectviz.infra.node_probe#module:reach).
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"reach_targets": reach_targets}
