# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that decides how a backup is brought back to all masters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._restore_plan import restore_plan

DOCUMENTATION = r"""
name: restore_plan
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: How a backup is brought back to all masters
positional: _input, masters, ca
description:
  - Looks at what all masters say together, before any of them is stopped. The backup must be of their cluster; on masters
    that have nothing of a cluster its CAs and keys come back too, also where an ended run has begun to do so.
extends_documentation_fragment:
  - detectviz.infra._masters
options:
  ca:
    description: SHA-256 of the backup's CA, as M(detectviz.infra.etcd_backup_file) returns it in C(contents).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: The way of restoring
  ansible.builtin.set_fact:
    plan: "{{ observed | detectviz.infra.restore_plan(groups['masters'], backup.contents.ca) }}"
  vars:
    observed: {}
"""

RETURN = r"""
_value:
  description: C(identity) tells whether CAs and keys come back too, C(problems) what forbids a restore.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"restore_plan": restore_plan}
