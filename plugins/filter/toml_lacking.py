# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that compares a dump of TOML with what was wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._containerd_dump import toml_lacking

DOCUMENTATION = r"""
name: toml_lacking
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Settings that a program understands otherwise than written
description:
  - Compares the dump of a program's configuration, in TOML, with the settings that were written. The dump may hold
    more. A setting under a name that the program does not know is missing from its dump.
positional: _input, wanted
options:
  _input:
    description: The dump, TOML.
    type: str
    required: true
  wanted:
    description: The settings.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Containerd understood its file
  ansible.builtin.assert:
    that: "dump | detectviz.infra.toml_lacking({'version': 3}) == []"
  vars:
    dump: "version = 3"
"""

RETURN = r"""
_value:
  description: One text for each difference.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"toml_lacking": toml_lacking}
