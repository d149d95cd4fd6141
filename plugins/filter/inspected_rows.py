# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that puts what is known now beside the inventory's rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._guest_rows import inspected_rows

DOCUMENTATION = r"""
name: inspected_rows
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Machines with what is known about each now
description:
  - Adds the state on Proxmox and what the role C(machine_checks) saw to the rows of machines.
positional: _input, guests, hostvars
options:
  _input:
    description: Rows of P(detectviz.infra.guest_rows#filter).
    type: list
    elements: dict
    required: true
  guests:
    description: The guests that M(detectviz.infra.proxmox_guest_info) returned.
    type: list
    elements: dict
    required: true
  hostvars:
    description: The variable C(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What is known about the machines
  ansible.builtin.debug:
    msg: "{{ rows | detectviz.infra.inspected_rows(guests, hostvars) }}"
  vars:
    rows: "{{ groups.machines | detectviz.infra.guest_rows(hostvars) }}"
    guests: [{name: node-1, state: running}]
"""

RETURN = r"""
_value:
  description: The rows with V(state), V(probe) or V(reason) added.
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"inspected_rows": inspected_rows}
