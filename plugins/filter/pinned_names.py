# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that tells under which names host keys are pinned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._guest_rows import pinned_names

DOCUMENTATION = r"""
name: pinned_names
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Names under which the host keys of machines are pinned
description:
  - Gives the name, the fixed addresses and the DNS names of each machine, for O(detectviz.infra.known_hosts_file#module:absent).
positional: _input, dns_records
options:
  _input:
    description: The machines as P(detectviz.infra.guest_rows#filter) gives them.
    type: list
    elements: dict
    required: true
  dns_records:
    description: Records with V(name); one belongs to the machine that its first label names.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Names are shown
  ansible.builtin.debug:
    msg: "{{ rows | detectviz.infra.pinned_names }}"
  vars:
    rows: [{name: node-1, networks: [{addresses: [192.0.2.11/24]}]}]
"""

RETURN = r"""
_value:
  description: Names and addresses.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"pinned_names": pinned_names}
