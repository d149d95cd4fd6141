# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that names the owners of host keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._guest_rows import known_hosts_entries

DOCUMENTATION = r"""
name: known_hosts_entries
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Host keys of guests as entries of a known_hosts file
description:
  - Puts the keys of each guest under its name, its fixed addresses and its DNS names.
positional: _input, rows, dns_records
options:
  _input:
    description: Guests with V(name) and V(host_keys), and possibly V(addresses).
    type: list
    elements: dict
    required: true
  rows:
    description: The machines as P(detectviz.infra.guest_rows#filter) gives them.
    type: list
    elements: dict
    required: true
  dns_records:
    description: Records with V(name); one belongs to the guest that its first label names.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Entries are shown
  ansible.builtin.debug:
    msg: "{{ guests | detectviz.infra.known_hosts_entries(rows) }}"
  vars:
    guests: [{name: node-1, host_keys: [ssh-ed25519 AAAA]}]
    rows: [{name: node-1, networks: [{addresses: [192.0.2.11/24]}]}]
"""

RETURN = r"""
_value:
  description: Entries for M(detectviz.infra.known_hosts_file).
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"known_hosts_entries": known_hosts_entries}
