# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that decides whether masters may be destroyed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._reset_plan import reset_plan

DOCUMENTATION = r"""
name: reset_plan
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Whether masters may be destroyed
positional: _input, masters, doomed
description:
  - A master is destroyed after a backup of etcd. Where some masters stay, they must keep etcd's majority.
extends_documentation_fragment:
  - detectviz.infra._masters
options:
  _input:
    description: What M(detectviz.infra.kubeadm_node) read (C(node)) on the masters that were reached, by name.
  doomed:
    description: Names of the guests that are to be destroyed.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: What would be lost
  ansible.builtin.set_fact:
    plan: "{{ observed | detectviz.infra.reset_plan(groups['masters'], ['node-1']) }}"
  vars:
    observed: {}
"""

RETURN = r"""
_value:
  description: C(backup_from), the master that makes the backup (null if no cluster answers), and C(problems).
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"reset_plan": reset_plan}
