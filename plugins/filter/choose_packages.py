# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that decides which packages are installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_packages import choose_packages

DOCUMENTATION = r"""
name: choose_packages
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Which packages to install for a wanted version
description:
  - Compares installed packages and what the repositories offer with one wanted version, which may be short, such as
    V(1.36). All packages get the same version; one that is installed and fits is kept.
positional: _input, wanted, found, available
options:
  _input:
    description: Names of packages.
    type: list
    elements: str
    required: true
  wanted:
    description: The version, V(1.36), V(1.36.3) or in full.
    type: str
    required: true
  found:
    description: Installed packages, as M(detectviz.infra.node_state) returns them.
    type: dict
    required: true
  available:
    description: Versions offered, as M(detectviz.infra.node_state) returns them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What would be installed
  ansible.builtin.debug:
    msg: "{{ (['kubelet'] | detectviz.infra.choose_packages('1.36', {}, {'kubelet': ['1.36.3-1.1']})).install }}"
"""

RETURN = r"""
_value:
  description: The keys C(install), C(replaced), C(missing) and C(unheld), lists of text.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"choose_packages": choose_packages}
