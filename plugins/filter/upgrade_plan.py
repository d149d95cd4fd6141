# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that decides what an upgrade does on each node, and whether it may begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._upgrade_plan import upgrade_plan
from ansible_collections.detectviz.infra.plugins.plugin_utils.versions import END_OF_LIFE, minor

DOCUMENTATION = r"""
name: upgrade_plan
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: What an upgrade does on each node, and what forbids it
positional: _input, workload, masters, workers, wanted
description:
  - Compares the versions that run with the wanted one. All problems are found at once.
  - A plan that is made while an earlier upgrade is half done holds what is left of it.
options:
  _input:
    description:
      - By the node's name, what M(detectviz.infra.kubeadm_upgrade) read, with C(packages), C(available), C(offers_error) and
        C(members) (of etcd, as M(detectviz.infra.kubeadm_node) tells them).
    type: dict
    required: true
  workload:
    description: What M(detectviz.infra.cluster_workload) read.
    type: dict
    required: true
  masters:
    description: Names of the control-plane nodes.
    type: list
    elements: str
    required: true
  workers:
    description: Names of the workers.
    type: list
    elements: str
    required: true
  wanted:
    description: The wanted version, V(1.36) for its newest patch that is offered, or V(1.36.3).
    type: str
    required: true
  certificates:
    description: Rows of P(detectviz.infra.certificate_rows#filter).
    type: list
    elements: dict
    default: []
  accept:
    description: Problems that do not forbid the upgrade - V(deprecated_apis), V(budgets), V(bare_pods), V(end_of_life).
    type: list
    elements: str
    default: []
  drain:
    description: Whether nodes are emptied before their kubelet is replaced.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: The plan
  ansible.builtin.set_fact:
    plan: "{{ observed | detectviz.infra.upgrade_plan(workload, groups['masters'], groups['workers'], '1.36') }}"
  vars:
    observed: {}
    workload: {nodes: {}, budgets: [], bare: [], version: v1.35.8}
"""

RETURN = r"""
_value:
  description:
    - C(target) and C(current) version, C(problems), C(accepted) ones, C(notes), C(steps) and C(commands) by node, the C(order)
      of the nodes, workers whose pods stay as they are not ready (C(undrained)), and the plan in words (C(lines)).
    - A step is C(kubeadm), C(control_plane), C(kubelet) or C(release).
  type: dict
"""


def with_end_of_life(
    nodes: Mapping[str, Any],
    workload: Mapping[str, Any],
    masters: Sequence[str],
    workers: Sequence[str],
    wanted: str,
    certificates: Sequence[Mapping[str, Any]] = (),
    accept: Sequence[str] = (),
    drain: bool = True,
) -> dict[str, Any]:
    end = END_OF_LIFE.get(minor(wanted) or "")
    return upgrade_plan(nodes, workload, masters, workers, wanted, certificates, accept, drain, end)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"upgrade_plan": with_end_of_life}
