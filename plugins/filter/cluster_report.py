# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter around the report of the cluster checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._cluster_report import build_cluster_report

DOCUMENTATION = r"""
name: cluster_report
author: The detectviz.infra authors (@detectviz)
short_description: Compare what a cluster looks like with what the site says
version_added: 0.1.0
description:
  - Puts expected beside found for the cluster and each of its nodes, and collects every miss instead of stopping at the
    first.
  - What is right at one of the two looks is no miss.
positional: _input, seen, expected, now
options:
  _input:
    description: Rows of P(detectviz.infra.cluster_nodes#filter).
    type: list
    elements: dict
    required: true
  seen:
    description:
      - V(cluster) of M(detectviz.infra.cluster_info) and V(probe) of M(detectviz.infra.cluster_probe_pods), each null
        where there is none, with the V(reason); V(later), another V(cluster) of some seconds later, or null; V(backup), the Unix
        time of the newest one, or null; and V(kubeconfig), the row of P(detectviz.infra.certificate_rows#filter) of the one on
        the control machine, or null.
    type: dict
    required: true
  expected:
    description: What the site expects, as the role C(cluster_report) puts it together from the site's data.
    type: dict
    required: true
  now:
    description: The time in ISO 8601, against which certificates and backups are measured.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: A cluster that does not answer is one miss
  ansible.builtin.debug:
    msg: "{{ ([] | detectviz.infra.cluster_report(seen, expected, '2026-01-01T00:00:00+00:00')).text }}"
  vars:
    seen: {cluster: null, probe: null, reason: nothing listens}
    expected: {endpoint: "192.0.2.10:6443"}
"""

RETURN = r"""
_value:
  description: V(rows), V(misses), V(unverified), and V(text), a table of them.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"cluster_report": build_cluster_report}
