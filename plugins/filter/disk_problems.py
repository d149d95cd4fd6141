# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that refuses disks that may not be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_disks import disk_problems

DOCUMENTATION = r"""
name: disk_problems
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Why a volume group may not be made on disks
description:
  - Judges disks that M(detectviz.infra.node_state) has read. A disk with anything on it is refused unless its wipe is
    allowed; one that is mounted, belongs to another volume group or cannot be read is always refused.
positional: _input, sizes_gb, group, wipe, variable, groups
options:
  _input:
    description: Disks as M(detectviz.infra.node_state) returns them.
    type: list
    elements: dict
    required: true
  sizes_gb:
    description: Wanted size in GiB by name of the disk.
    type: dict
    required: true
  group:
    description: Name of the volume group.
    type: str
    required: true
  wipe:
    description: Whether the wipe of the disks is allowed.
    type: bool
    required: true
  variable:
    description: Name of the variable that allows it, for the message.
    type: str
    required: true
  groups:
    description: Names of the volume groups that the machine has. The wanted one must have one of the disks then.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: The data disk may be used
  ansible.builtin.assert:
    that: "read.state.disks.disks | detectviz.infra.disk_problems({'data': 250}, 'data-vg', false, 'my_wipe') == []"
"""

RETURN = r"""
_value:
  description: One text for each reason, with the way out.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"disk_problems": disk_problems}
