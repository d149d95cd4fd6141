# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes netplan's data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_network import netplan_config

DOCUMENTATION = r"""
name: netplan_config
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: MTU and gateways for netplan
description:
  - Returns the content of a file of netplan that is laid over those that give the addresses.
positional: _input, gateways, known
options:
  _input:
    description: Interfaces with V(name) and V(mtu).
    type: list
    elements: dict
    required: true
  gateways:
    description: Missing gateways by interface.
    type: dict
    required: true
  known:
    description: Content of that file from an earlier run.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The data
  ansible.builtin.debug:
    msg: "{{ [{'name': 'eth0', 'mtu': 9000}] | detectviz.infra.netplan_config({}, {}) }}"
"""

RETURN = r"""
_value:
  description: The data.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"netplan_config": netplan_config}
