# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter: which guests of a site are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._site_guests import chosen_guests

DOCUMENTATION = r"""
name: chosen_guests
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Guests of a site that are named
description:
  - Finds the guests that a user has named, by name or id, among those that a site owns. Foreign ones are never chosen.
  - A guest whose row is gone from the table is chosen only when it is named, and by its id alone where a row has its name.
positional: named
options:
  _input:
    description: The V(site_guests) that M(detectviz.infra.proxmox_guest_info) returned.
    type: list
    elements: dict
    required: true
  named:
    description: Names and ids, one of them, or V(all) for every row of the table.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: What would be destroyed
  ansible.builtin.debug:
    msg: "{{ info.site_guests | detectviz.infra.chosen_guests(['node-1', 105]) }}"
"""

RETURN = r"""
_value:
  description: C(chosen), guests for M(detectviz.infra.proxmox_vm_clone), and C(refused), texts with the reason.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"chosen_guests": chosen_guests}
