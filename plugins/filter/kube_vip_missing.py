# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that says what a VIP still misses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._kube_vip_missing import kube_vip_missing

DOCUMENTATION = r"""
name: kube_vip_missing
author: The detectviz.infra authors (@detectviz)
short_description: What a VIP of kube-vip still misses
version_added: 0.1.0
description:
  - Reads the lease and the static pod of a node, as C(kubectl get --output=json) prints both in one list.
  - The pod must be the one of the manifest. Right after a change the API still shows the former one.
positional: _input, manifest
options:
  _input:
    description: What C(kubectl) has printed. May be empty.
    type: str
    required: true
  manifest:
    description: The manifest, as M(detectviz.infra.kube_vip_manifest) returns it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What is missing
  ansible.builtin.debug:
    msg: "{{ '' | detectviz.infra.kube_vip_missing(written.manifest) }}"
  vars:
    written:
      manifest:
        spec:
          containers: [{image: "ghcr.io/kube-vip/kube-vip:v1.2.3"}]
"""

RETURN = r"""
_value:
  description: One text for each thing that is missing; empty if the VIP is held.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kube_vip_missing": kube_vip_missing}
