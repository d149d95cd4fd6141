# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that finds the master with the whole cluster's view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._etcd_members import best_view

DOCUMENTATION = r"""
name: best_master
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: The master whose API server and etcd know the cluster best
positional: _input, hostvars
description:
  - Among the masters that answered, the one whose etcd counts the most members. A
    master that has lost its data counts itself alone.
options:
  _input:
    description: Names of the masters.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The master to ask
  ansible.builtin.debug:
    msg: "{{ groups['masters'] | detectviz.infra.best_master(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Its name; empty if no cluster answers.
  type: str
"""


def best_master(masters: Sequence[str], hostvars: Mapping[str, Any]) -> str:
    nodes = {}
    for name in masters:
        result = hostvars[name].get("cluster_state_result") or {}
        if result.get("node"):
            nodes[name] = result["node"]
    return best_view(nodes, masters) or ""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"best_master": best_master}
