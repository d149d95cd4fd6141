# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes Calico's pools of the site's networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._calico_manifest import pools_of

DOCUMENTATION = r"""
name: calico_pools
author: The detectviz.infra authors (@detectviz)
short_description: Calico's pools for networks of pods
version_added: 0.1.0
description:
  - Makes of each network the pool that C(calico-node) would make of it at its first start, with the same name.
  - Private networks of IPv6 leave the cluster under the address of a node, as those of IPv4 do.
positional: _input, encapsulation
options:
  _input:
    description: Networks, one of each IP version.
    type: list
    elements: str
    required: true
  encapsulation:
    description: As for O(detectviz.infra.calico_manifest#module:encapsulation).
    type: str
    default: vxlan
"""

EXAMPLES = r"""
- name: The pool of the documented site
  ansible.builtin.debug:
    msg: "{{ ['10.244.0.0/16'] | detectviz.infra.calico_pools }}"
"""

RETURN = r"""
_value:
  description: Pools for the option O(detectviz.infra.calico_felix#module:ip_pools).
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"calico_pools": pools_of}
