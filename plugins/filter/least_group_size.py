# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that tells how large a volume group of given disks must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_disks import least_group_size

DOCUMENTATION = r"""
name: least_group_size
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: How large a volume group of disks must be
description:
  - LVM rounds down to whole extents and keeps a little of each disk for itself; what it may keep is taken off.
options:
  _input:
    description: Sizes of the disks in GiB.
    type: list
    elements: int
    required: true
"""

EXAMPLES = r"""
- name: Bytes that a volume group of two disks has at least
  ansible.builtin.debug:
    msg: "{{ [250, 100] | detectviz.infra.least_group_size }}"
"""

RETURN = r"""
_value:
  description: Bytes.
  type: int
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"least_group_size": least_group_size}
