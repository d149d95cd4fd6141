# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that compares kernel parameters with their wanted values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_kept import sysctl_problems

DOCUMENTATION = r"""
name: sysctl_problems
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Kernel parameters that are not as wanted, now or after a reboot
description:
  - Compares wanted values with those in effect, and with those that files set at boot.
positional: _input, live, kept
options:
  _input:
    description: Wanted values by name.
    type: dict
    required: true
  live:
    description: Values in effect, as M(detectviz.infra.node_state) returns them.
    type: dict
    required: true
  kept:
    description: Values set at boot, as M(detectviz.infra.node_state) returns them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Forwarding is on, and stays on
  ansible.builtin.assert:
    that: "{{ {'net.ipv4.ip_forward': '1'} | detectviz.infra.sysctl_problems(read.state.sysctls.live, read.state.sysctls.kept) == [] }}"
"""

RETURN = r"""
_value:
  description: One text for each difference, with the way out.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"sysctl_problems": sysctl_problems}
