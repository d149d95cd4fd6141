# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that decides what each node of a cluster needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._cluster_plan import cluster_plan

DOCUMENTATION = r"""
name: cluster_plan
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: What each node needs to be part of the cluster
positional: _input, masters, workers, reset, allow_standins
description:
  - Looks at what all nodes say together. A cluster is made only where no API answers at any address and no master has
    etcd's data; a node joins only if the cluster does not have it and it carries no remains.
extends_documentation_fragment:
  - detectviz.infra._masters
options:
  workers:
    description: Names of the workers.
    type: list
    elements: str
    required: true
  reset:
    description: Nodes whose remains of another or a half-made cluster may be wiped. A whole node is never wiped.
    type: list
    elements: str
    default: []
  allow_standins:
    description: Whether packages and images that a lab has made may run there. Elsewhere they forbid going on.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: The plan
  ansible.builtin.set_fact:
    plan: "{{ observed | detectviz.infra.cluster_plan(groups['masters'], groups['workers']) }}"
  vars:
    observed: {}
"""

RETURN = r"""
_value:
  description:
    - C(exists) tells whether a cluster answers, C(giver) which master hands out join material, C(first) which master
      makes the cluster, C(steps) and C(reasons) what each node needs and why, C(astray) which masters that are wiped show
      another cluster, maybe at the VIP, C(problems) what forbids going on.
    - A step is C(none), C(init), C(join), C(start), C(resume_init), C(resume_join), C(reset_init),
      C(reset_join) or C(end_init).
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"cluster_plan": cluster_plan}
