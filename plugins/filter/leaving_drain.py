# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that decides whether a node that leaves is drained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_drain import before_leaving

DOCUMENTATION = r"""
name: leaving_drain
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Whether a node that leaves the cluster is drained
positional: _input, name, wanted, option, required
description:
  - A node that is ready is drained, if that is wanted. One that is not ready would never end its pods. One that the cluster does
    not have any more has none.
options:
  _input:
    description: The nodes as M(detectviz.infra.kubeadm_node) sees them (C(view.nodes)).
    type: list
    elements: dict
    required: true
  name:
    description: Name of the node that leaves.
    type: str
    required: true
  wanted:
    description: Whether a drain is asked for.
    type: bool
    required: true
  option:
    description: The variable that leaves the drain out, for the message.
    type: str
    required: true
  required:
    description: Whether a node that is not ready is a problem. Otherwise it leaves without a drain.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Whether the node is drained
  ansible.builtin.debug:
    msg: "{{ [{'name': 'node-1', 'ready': true}] | detectviz.infra.leaving_drain('node-1', true, 'remove_drain', true) }}"
"""

RETURN = r"""
_value:
  description: C(drain), and a text each in C(problem) and C(note), empty where there is none.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"leaving_drain": before_leaving}
