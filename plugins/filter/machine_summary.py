# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the summary table of the machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._guest_rows import machine_summary

DOCUMENTATION = r"""
name: machine_summary
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Machines as the rows of a table
positional: _input, waiting
description:
  - Gives a head and one row of text per machine with its name, id, node, addresses and state.
options:
  _input:
    description: Rows of P(detectviz.infra.inspected_rows#filter).
    type: list
    elements: dict
    required: true
  waiting:
    description: Names of machines that need a reboot; their state says so.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: One table of all machines
  ansible.builtin.debug:
    msg: "{{ rows | detectviz.infra.machine_summary | detectviz.infra.text_table | split('\n') }}"
  vars:
    rows: [{name: node-1, vm_id: 101, pve_node: pve1, networks: [], state: running}]
"""

RETURN = r"""
_value:
  description: Rows for P(detectviz.infra.text_table#filter).
  type: list
  elements: list
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"machine_summary": machine_summary}
