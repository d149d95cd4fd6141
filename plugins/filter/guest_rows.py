# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that picks the machines' own variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._guest_rows import guest_rows

DOCUMENTATION = r"""
name: guest_rows
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Machines of the inventory as rows
description:
  - Picks, of each host, the variables that describe the machine, and adds its V(name).
positional: _input, hostvars
options:
  _input:
    description: Host names.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variable C(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The machines are listed
  ansible.builtin.debug:
    msg: "{{ groups.machines | detectviz.infra.guest_rows(hostvars) }}"
"""

RETURN = r"""
_value:
  description: One row per host in the shape that M(detectviz.infra.proxmox_vm_clone) takes.
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"guest_rows": guest_rows}
