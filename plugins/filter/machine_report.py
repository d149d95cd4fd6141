# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter around the report of the machine checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._machine_report import build_report

DOCUMENTATION = r"""
name: machine_report
author: The detectviz.infra authors (@detectviz)
short_description: Compare what guests look like with what the site says
version_added: 0.1.0
description:
  - Puts expected beside found for every guest, and collects every miss instead of stopping at the first.
positional: _input, dns_records, max_loss_percent
options:
  _input:
    description:
      - Guests in the shape of the inventory's host variables, each with V(name) and V(probe) (of
        M(detectviz.infra.guest_probe)) beside them.
      - A guest without a probe counts as a miss, with its V(reason).
    type: list
    elements: dict
    required: true
  dns_records:
    description: Records that every guest must be able to look up, each with V(name), V(type) and V(value).
    type: list
    elements: dict
    default: []
  max_loss_percent:
    description: How many of a hundred pings may be lost.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: The comparison is shown
  ansible.builtin.debug:
    msg: "{{ (guests | detectviz.infra.machine_report).text }}"
  vars:
    guests:
      - name: node-1
        reason: its SSH port does not answer
"""

RETURN = r"""
_value:
  description: V(rows), V(misses), V(unverified), and V(text), a table of them.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"machine_report": build_report}
