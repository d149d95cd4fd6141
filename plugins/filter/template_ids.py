# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that leads from a template's name to its id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._guest_rows import template_ids

DOCUMENTATION = r"""
name: template_ids
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Ids of templates by name
description:
  - Leads from the name of a template to its id, or to its ids per node.
options:
  _input:
    description: Templates with V(name) and V(vm_id), or V(nodes).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: The ids of the site's templates
  ansible.builtin.debug:
    msg: "{{ [{'name': 'debian', 'vm_id': 9001}] | detectviz.infra.template_ids }}"
"""

RETURN = r"""
_value:
  description: A map from name to id, or to a map from node to id.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"template_ids": template_ids}
