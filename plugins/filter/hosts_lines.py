# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the lines of a hosts file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_hosts import hosts_lines

DOCUMENTATION = r"""
name: hosts_lines
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Machines as lines of a hosts file
description:
  - Returns a line for every fixed address of the machines, and one for the API.
positional: _input, dns_records, vip, node_addresses
options:
  _input:
    description: Machines, as P(detectviz.infra.guest_rows#filter) returns them.
    type: list
    elements: dict
    required: true
  dns_records:
    description: As C(site_derived.dns_records).
    type: list
    elements: dict
    required: true
  vip:
    description: The site's VIP, V(address) and V(name).
    type: dict
    required: true
  node_addresses:
    description: As C(site_derived.node_addresses).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The lines
  ansible.builtin.debug:
    msg: "{{ groups.machines | detectviz.infra.guest_rows(hostvars)
      | detectviz.infra.hosts_lines(site_derived.dns_records, vip, site_derived.node_addresses) }}"
"""

RETURN = r"""
_value:
  description: An address and its names, as text.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"hosts_lines": hosts_lines}
