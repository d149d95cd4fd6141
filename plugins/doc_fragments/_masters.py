# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what masters say, once for all filters that decide from it."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of such a filter."""

    DOCUMENTATION = r"""
options:
  _input:
    description: What M(detectviz.infra.kubeadm_node) read (C(node)), by the node's name.
    type: dict
    required: true
  masters:
    description: Names of the control-plane nodes, in the order they are made.
    type: list
    elements: str
    required: true
"""
