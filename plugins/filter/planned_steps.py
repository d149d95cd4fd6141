# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that tells the steps of guests in lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._guest_rows import planned_steps

DOCUMENTATION = r"""
name: planned_steps
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Steps of guests in lines
description:
  - Tells in lines what M(detectviz.infra.proxmox_vm_clone) did or would do.
options:
  _input:
    description: The V(guests) that the module returned.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: The steps of the plan
  ansible.builtin.debug:
    msg: "{{ machines_result.guests | detectviz.infra.planned_steps }}"
"""

RETURN = r"""
_value:
  description: Lines that name a guest and a step.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"planned_steps": planned_steps}
