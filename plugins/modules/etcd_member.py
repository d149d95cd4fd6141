#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that takes a member out of etcd without losing the majority."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_member
author: The detectviz.infra authors (@detectviz)
short_description: Remove a member of etcd, if the majority stays
version_added: 0.1.0
description:
  - Removes the member at an address from etcd, asked of another member.
  - Refuses if fewer than a majority of the members answer now, or if those that stay would have no majority of their own,
    and says which have to come back first. What answers at a member's address for another cluster does not count.
attributes:
  check_mode:
    description: Makes the same checks, and removes nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: Nothing is done where there is no such member.
    support: full
options:
  address:
    description: Address of a member that stays; the module asks there.
    type: str
    required: true
  member:
    description: Address of the member to remove.
    type: str
    required: true
  port:
    description: Port at which members answer clients.
    type: int
    default: 2379
  ca_cert:
    description: CA of etcd's certificates.
    type: path
    default: /etc/kubernetes/pki/etcd/ca.crt
  client_cert:
    description: Client certificate.
    type: path
    default: /etc/kubernetes/pki/apiserver-etcd-client.crt
  client_key:
    description: Its key.
    type: path
    default: /etc/kubernetes/pki/apiserver-etcd-client.key
"""

EXAMPLES = r"""
- name: The dead member is no longer counted
  detectviz.infra.etcd_member:
    address: 192.0.2.12
    member: 192.0.2.11
"""

RETURN = r"""
members:
  description: Addresses of the members afterwards.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_removal import remove_member
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import Credentials

ARGUMENT_SPEC = {
    "address": {"type": "str", "required": True},
    "member": {"type": "str", "required": True},
    "port": {"type": "int", "default": 2379},
    "ca_cert": {"type": "path", "default": "/etc/kubernetes/pki/etcd/ca.crt"},
    "client_cert": {"type": "path", "default": "/etc/kubernetes/pki/apiserver-etcd-client.crt"},
    "client_key": {"type": "path", "default": "/etc/kubernetes/pki/apiserver-etcd-client.key", "no_log": False},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    credentials = Credentials(params["ca_cert"], params["client_cert"], params["client_key"])
    try:
        there, stay = remove_member(params["address"], params["member"], params["port"], credentials, module.check_mode)
    except InfraError as error:
        module.fail_json(msg=f"The member {params['member']} stays in etcd: {error}")
    module.exit_json(changed=there, members=stay)


if __name__ == "__main__":
    main()
