# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that puts a kubeconfig into another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.kubeconfig import merged_into

DOCUMENTATION = r"""
name: merged_kubeconfig
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: A user's kubeconfig with a site's entries in it
positional: _input, site
description:
  - Entries of the same name are replaced, others stay, and so does the current context if there is one.
options:
  _input:
    description: The text of the user's kubeconfig, or nothing.
    type: str
    required: true
  site:
    description: The text of the site's kubeconfig.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: The user's kubeconfig knows the site
  ansible.builtin.copy:
    content: "{{ own | detectviz.infra.merged_kubeconfig(site) }}"
    dest: ~/.kube/config
    mode: "0600"
    backup: true
  no_log: true
"""

RETURN = r"""
_value:
  description: The text of the new kubeconfig.
  type: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"merged_kubeconfig": merged_into}
