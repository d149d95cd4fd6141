# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that gives interfaces the MTU of their network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_network import with_site_mtu

DOCUMENTATION = r"""
name: with_site_mtu
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Interfaces with the MTU of their network
description:
  - Gives each interface of the table that has no MTU of its own that of its network.
positional: _input, networks
options:
  _input:
    description: Interfaces of the table.
    type: list
    elements: dict
    required: true
  networks:
    description: Networks of the site, as C(site_derived.networks).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Wanted MTU by interface
  ansible.builtin.debug:
    msg: "{{ networks | detectviz.infra.with_site_mtu(site_derived.networks) | items2dict('name', 'mtu') }}"
"""

RETURN = r"""
_value:
  description: The interfaces.
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"with_site_mtu": with_site_mtu}
