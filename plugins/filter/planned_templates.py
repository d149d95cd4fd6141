# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that hands planned templates on to the plan of the guests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._guest_rows import planned_templates

DOCUMENTATION = r"""
name: planned_templates
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Templates that a check run would make
description:
  - Picks, from the results of M(detectviz.infra.proxmox_vm_template) in a loop, the templates that were to be made.
options:
  _input:
    description: The V(results) of the loop.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Templates that are only planned
  ansible.builtin.debug:
    msg: "{{ vm_template_result.results | detectviz.infra.planned_templates }}"
"""

RETURN = r"""
_value:
  description: Rows for the option O(detectviz.infra.proxmox_vm_clone#module:planned.templates).
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"planned_templates": planned_templates}
