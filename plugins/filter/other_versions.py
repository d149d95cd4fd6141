# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that names machines whose packages are not the wanted version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_packages import other_versions

DOCUMENTATION = r"""
name: other_versions
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Which machines have packages of another version than the wanted one
description:
  - Compares what is installed with one wanted version, which may be short, such as V(1.36). All packages of a machine have to be
    of the same upstream version.
positional: _input, wanted, names, rivals
options:
  _input:
    description: Installed packages by machine, as M(detectviz.infra.node_state) returns them.
    type: dict
    required: true
  wanted:
    description: The version, V(1.36), V(1.36.3) or in full.
    type: str
    required: true
  names:
    description: The packages that are to have it. Others are passed over.
    type: list
    elements: str
    required: true
  rivals:
    description: Packages that would have to go for those, so that they count in any version.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Nobody
  ansible.builtin.debug:
    msg: "{{ {'node-1': {'kubelet': {'version': '1.36.3-1.1'}}} | detectviz.infra.other_versions('1.36', ['kubelet']) }}"
"""

RETURN = r"""
_value:
  description: One text a machine, such as V(node-1 has kubelet 1.35.8-1.1).
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"other_versions": other_versions}
