# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that tells which names a certificate lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._certificate_report import missing_certificate_names

DOCUMENTATION = r"""
name: missing_certificate_names
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Names and addresses that a certificate lacks
positional: _input, wanted
description:
  - Compares the alternative names of a certificate with those that are wanted. More names than wanted are no matter.
requirements:
  - cryptography (on the controller)
options:
  _input:
    description: The certificate as PEM. An empty text lacks nothing, as the certificate is yet to be made.
    type: str
    required: true
  wanted:
    description: Names and addresses.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: What the API server's certificate lacks
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'apiserver.crt') | detectviz.infra.missing_certificate_names(['192.0.2.10']) }}"
"""

RETURN = r"""
_value:
  description: The names that are missing.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"missing_certificate_names": missing_certificate_names}
