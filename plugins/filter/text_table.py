# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that aligns rows into columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._machine_report import format_table

DOCUMENTATION = r"""
name: text_table
author: The detectviz.infra authors (@detectviz)
short_description: Rows of text as aligned columns
version_added: 0.1.0
description:
  - Makes a plain-text table for a terminal or a report file.
options:
  _input:
    description: Rows of equal length; the first is the head.
    type: list
    elements: list
    required: true
"""

EXAMPLES = r"""
- name: A table is shown
  ansible.builtin.debug:
    msg: "{{ ([['name', 'id']] + rows) | detectviz.infra.text_table }}"
  vars:
    rows: [[node-1, '101'], [node-2, '102']]
"""

RETURN = r"""
_value:
  description: The lines of the table.
  type: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"text_table": format_table}
