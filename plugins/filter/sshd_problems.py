# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that compares the SSH server's options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_sshd import sshd_problems

DOCUMENTATION = r"""
name: sshd_problems
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Options of the SSH server that are not in effect
description:
  - Compares wanted options of the SSH server with those in effect.
positional: _input, effective
options:
  _input:
    description: Wanted options and values.
    type: dict
    required: true
  effective:
    description: Options in effect, as M(detectviz.infra.node_state) returns them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Passwords are off
  ansible.builtin.assert:
    that: "{{ {'PasswordAuthentication': 'no'} | detectviz.infra.sshd_problems(read.state.sshd) == [] }}"
"""

RETURN = r"""
_value:
  description: One text for each option.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"sshd_problems": sshd_problems}
