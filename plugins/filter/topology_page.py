# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter around the topology page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._topology_page import render_topology_page

DOCUMENTATION = r"""
name: topology_page
author: The detectviz.infra authors (@detectviz)
short_description: A site as one self-contained HTML page
version_added: 0.1.0
description:
  - Draws the Proxmox hosts, their bridges, the guests with their addresses and states, and the shared addresses.
  - The page is one file with inline SVG. It loads nothing from anywhere, and is readable in light and dark.
positional: _input, guests
options:
  _input:
    description:
      - The site. Read are V(site_name), V(proxmox_hosts), V(networks), V(vip), V(ingress_address), and the sentences
        V(proven) and V(survives). Each may be absent.
    type: dict
    required: true
  guests:
    description:
      - The guests, in the shape of the inventory's host variables, each with V(name) and V(state) beside them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: The topology page is written
  ansible.builtin.copy:
    content: "{{ site | detectviz.infra.topology_page(guests) }}"
    dest: topology.html
    mode: "0644"
  vars:
    site:
      site_name: homelab
      proxmox_hosts:
        - {name: pve1, address: 192.0.2.2}
    guests:
      - name: node-1
        vm_id: 101
        pve_node: pve1
        networks:
          - {name: eth0, bridge: vmbr0, addresses: [192.0.2.11/24]}
        state: running
"""

RETURN = r"""
_value:
  description: The HTML text of the page.
  type: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"topology_page": render_topology_page}
