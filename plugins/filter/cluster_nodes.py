# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that puts what was seen of a cluster's nodes beside the inventory's rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._cluster_report import cluster_nodes

DOCUMENTATION = r"""
name: cluster_nodes
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Nodes of a cluster with what was seen in each
description:
  - Puts what the site expects of each node beside what the role C(cluster_checks) has left in its host variables.
positional: _input, hostvars, derived, schedulable_masters
options:
  _input:
    description: Host names.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variable C(hostvars).
    type: dict
    required: true
  derived:
    description: What P(detectviz.infra.site_derived#lookup) returns for the site.
    type: dict
    required: true
  schedulable_masters:
    description: Whether ordinary pods may run on control-plane nodes.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: What is known about the nodes
  ansible.builtin.debug:
    msg: "{{ groups.k8s_cluster | detectviz.infra.cluster_nodes(hostvars, site_derived) }}"
"""

RETURN = r"""
_value:
  description: Rows for P(detectviz.infra.cluster_report#filter).
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"cluster_nodes": cluster_nodes}
