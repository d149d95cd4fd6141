# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes containerd's mirror files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._containerd import registry_hosts

DOCUMENTATION = r"""
name: registry_hosts
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Mirrors of image registries as containerd reads them
description:
  - Returns the content of each C(hosts.toml) as data, by its folder in C(certs.d). The registry V(*) stands for every
    registry that has no entry of its own.
positional: _input
options:
  _input:
    description: By registry V(endpoints), V(skip_verify), V(ca), V(override_path), V(fallback).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: One mirror for everything
  ansible.builtin.debug:
    msg: "{{ {'*': {'endpoints': ['http://192.0.2.1:5000']}} | detectviz.infra.registry_hosts }}"
"""

RETURN = r"""
_value:
  description: Content by folder.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"registry_hosts": registry_hosts}
