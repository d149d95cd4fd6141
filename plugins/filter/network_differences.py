# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that compares a node's network with the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_network import network_differences

DOCUMENTATION = r"""
name: network_differences
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: What of a node's network is not as the table says
description:
  - Compares MTU, addresses and gateways of the table's interfaces with those that are in effect.
positional: _input, found
options:
  _input:
    description: Interfaces of the table.
    type: list
    elements: dict
    required: true
  found:
    description: The network as M(detectviz.infra.node_state) returns it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Interfaces whose MTU has to be written
  ansible.builtin.debug:
    msg: "{{ (networks | detectviz.infra.network_differences(read.state.network)).mtu }}"
"""

RETURN = r"""
_value:
  description: The keys C(mtu), C(gateways) and C(stale) by interface, and C(problems).
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"network_differences": network_differences}
