# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that tells how long certificates are good for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._certificate_report import certificate_rows

DOCUMENTATION = r"""
name: certificate_rows
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: How long certificates are good for
positional: _input
description:
  - Reads the certificates that M(detectviz.infra.kubeadm_node) has seen on the nodes, those of the kubelets with them, and
    those that kubeconfigs of the control machine hold.
requirements:
  - cryptography (on the controller)
options:
  _input:
    description: What the module returned, by the node's name.
    type: dict
    required: true
  kubeconfigs:
    description: Texts of kubeconfigs on the control machine, by their files. One that holds no certificate is left out.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: The next certificate to end
  ansible.builtin.debug:
    msg: "{{ nodes | detectviz.infra.certificate_rows | first }}"
  vars:
    nodes: {node-1: {node: {certificates: {/etc/kubernetes/pki/ca.crt: "-----BEGIN CERTIFICATE-----"}}}}
"""

RETURN = r"""
_value:
  description: >-
    One row with C(node), C(file), C(days_left), C(text) and C(remedy) for each certificate, the next to end first.
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"certificate_rows": certificate_rows}
