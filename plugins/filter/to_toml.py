# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that writes TOML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._containerd import to_toml

DOCUMENTATION = r"""
name: to_toml
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Nested dictionaries as TOML
description:
  - Writes texts, numbers, truth values and lists of these, in nested tables. V(null) is left out.
positional: _input
options:
  _input:
    description: The data.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: A small file
  ansible.builtin.debug:
    msg: "{{ {'version': 3, 'debug': {'level': 'info'}} | detectviz.infra.to_toml }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"to_toml": to_toml}
