# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that says which bridges a host needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._host_bridges import host_bridges

DOCUMENTATION = r"""
name: host_bridges
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Bridges that a Proxmox host needs
description:
  - Works out the bridges of one host from the networks of the site, unless the host lists its own V(bridges).
positional: _input, networks
options:
  _input:
    description: A row of V(proxmox_hosts).
    type: dict
    required: true
  networks:
    description: The networks of the site.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The bridges of a host
  ansible.builtin.debug:
    msg: "{{ host | detectviz.infra.host_bridges(networks) }}"
  vars:
    host: {name: pve1, address: 192.0.2.2, addresses: {vmbr1: 10.0.0.2}}
    networks:
      vmbr0: {cidr: 192.0.2.0/24, mtu: 1500}
      vmbr1: {cidr: 10.0.0.0/24, mtu: 9000}
"""

RETURN = r"""
_value:
  description: Rows for M(detectviz.infra.proxmox_network).
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_bridges": host_bridges}
