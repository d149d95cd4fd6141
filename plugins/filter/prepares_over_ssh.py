# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter: whether host preparation needs SSH."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._host_parts import prepares_over_ssh

DOCUMENTATION = r"""
name: prepares_over_ssh
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Whether host preparation needs SSH
description:
  - Tells whether the parts of host preparation that the site asks for need more than the API of Proxmox VE.
positional: bridges_rollback
options:
  _input:
    description: The site's V(host_preparation).
    type: dict
    required: true
  bridges_rollback:
    description: Whether a host takes a change of its bridges back by itself, which needs SSH.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: The API is enough
  ansible.builtin.debug:
    msg: "{{ {'access': true, 'bridges': true} | detectviz.infra.prepares_over_ssh(false) }}"
"""

RETURN = r"""
_value:
  description: Whether it does.
  type: bool
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"prepares_over_ssh": prepares_over_ssh}
