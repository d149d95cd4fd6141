# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the control machine's kubeconfig."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.kubeconfig import for_site

DOCUMENTATION = r"""
name: kubeconfig
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: The administrator's kubeconfig with the VIP as its server
positional: _input, name, endpoint, present, renew_days
requirements:
  - cryptography (on the controller)
description:
  - Reads the text of C(/etc/kubernetes/admin.conf) as data, and gives cluster, user and context the site's name.
options:
  _input:
    description: The text of a kubeconfig.
    type: str
    required: true
  name:
    description: The site's name.
    type: str
    required: true
  endpoint:
    description: C(host:port) of the API.
    type: str
    required: true
  present:
    description:
      - The file of before. It is kept if it leads to the same cluster, since every master has an administrator's
        certificate of its own, and it does not matter which one is used. It is not kept if its certificate has ended or has
        fewer than O(renew_days) days left, and the new one ends later.
    type: str
    default: ''
  renew_days:
    description: Days that the certificate of the file of before must have left. With V(0) it only must not have ended.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: The kubeconfig
  ansible.builtin.copy:
    content: "{{ admin.content | b64decode | detectviz.infra.kubeconfig('example', '192.0.2.10:6443') }}"
    dest: "{{ state_dir }}/kubeconfig"
    mode: "0600"
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
        return {"kubeconfig": for_site}
