# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that says what a guest has to reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._machine_report import ping_targets

DOCUMENTATION = r"""
name: ping_targets
author: The detectviz.infra authors (@detectviz)
short_description: What a guest has to reach, and with which packet size
version_added: 0.1.0
description:
  - On each network of a guest these are the other guests, the gateway and the Proxmox hosts that lie in it.
positional: _input, guests, networks, hosts, count
options:
  _input:
    description: The guest, in the shape of the inventory's host variables, with its V(name).
    type: dict
    required: true
  guests:
    description: All guests in the same shape; the guest itself is left out.
    type: list
    elements: dict
    required: true
  networks:
    description: The site's networks, a map from bridge to its V(mtu).
    type: dict
    required: true
  hosts:
    description: Addresses of the Proxmox hosts.
    type: list
    elements: str
    default: []
  count:
    description: Packets per ping.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: What node-1 has to reach
  ansible.builtin.debug:
    msg: "{{ guests[0] | detectviz.infra.ping_targets(guests, {'vmbr0': {'mtu': 1500}}) }}"
  vars:
    guests:
      - {name: node-1, networks: [{bridge: vmbr0, addresses: [192.0.2.11/24]}]}
      - {name: node-2, networks: [{bridge: vmbr0, addresses: [192.0.2.12/24]}]}
"""

RETURN = r"""
_value:
  description: Rows for the option O(detectviz.infra.guest_probe#module:pings).
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"ping_targets": ping_targets}
