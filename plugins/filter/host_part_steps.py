# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter: what host preparation would change on the hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._host_parts import host_part_steps

DOCUMENTATION = r"""
name: host_part_steps
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Steps of host preparation in lines
description:
  - Tells in lines what the roles that run on a Proxmox host to prepare it have changed or would change, and of which
    parts nothing is known, because a host could not be reached or a role failed.
positional: hostvars, preparation
options:
  _input:
    description: Names of the Proxmox hosts in the inventory.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's V(hostvars).
    type: dict
    required: true
  preparation:
    description: The site's V(host_preparation).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What would be done on the hosts
  ansible.builtin.debug:
    msg: "{{ groups['proxmox'] | detectviz.infra.host_part_steps(hostvars, host_preparation) }}"
"""

RETURN = r"""
_value:
  description: C(steps), lines that name a host and a change, and C(unseen), lines that name a host and a part.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_part_steps": host_part_steps}
