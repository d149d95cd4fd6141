# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter around the page of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._cluster_page import render_cluster_page

DOCUMENTATION = r"""
name: cluster_page
author: The detectviz.infra authors (@detectviz)
short_description: The report of a cluster as one self-contained HTML page
version_added: 0.1.0
description:
  - Shows the nodes, what was missed, what could not be verified, and every comparison.
  - The page loads nothing from anywhere, and is readable in light and dark.
positional: _input, nodes, cluster, report, now
options:
  _input:
    description: The title, such as the site's name.
    type: str
    required: true
  nodes:
    description: Rows of P(detectviz.infra.cluster_nodes#filter).
    type: list
    elements: dict
    required: true
  cluster:
    description: V(cluster) of M(detectviz.infra.cluster_info), or null.
    type: dict
    required: true
  report:
    description: What P(detectviz.infra.cluster_report#filter) returned.
    type: dict
    required: true
  now:
    description: When it was looked at.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: The page is written
  ansible.builtin.copy:
    content: "{{ site_name | detectviz.infra.cluster_page(nodes, cluster, report, now) }}"
    dest: cluster.html
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The HTML text of the page.
  type: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"cluster_page": render_cluster_page}
