#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that reads states and host keys of guests."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_guest_info
author: The detectviz.infra authors (@detectviz)
short_description: States and SSH host keys of guests
version_added: 0.1.0
description:
  - Tells of each guest whether it is there and runs, and reads SSH host keys through the guest agent, over the
    authenticated API, so that nothing has to be trusted at first sight.
  - Costs one request for all states, and one per guest whose key is read, or more where it is waited for (O(wait_for)).
  - With O(site_name) it tells whose the guests are, and which guests of the site have no row; one more request for all and
    one per guest.
extends_documentation_fragment:
  - detectviz.infra._proxmox
  - detectviz.infra._reading
options:
  guests:
    description: Guests, each with its C(name) and C(vm_id), both required; other keys are passed over.
    type: list
    elements: dict
    required: true
  host_keys_of:
    description: Names of the guests whose host keys are read, if they run.
    type: list
    elements: str
    default: []
  wait_for:
    description:
      - Names among O(host_keys_of) whose agent is waited for where it does not answer yet, as it is while a guest boots.
      - The others are asked once.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that a guest of O(wait_for) may have run for. One that has run for longer is asked once.
    type: int
    default: 900
  site_name:
    description: Site whose guests are returned in RV(site_guests).
    type: str
"""

EXAMPLES = r"""
- name: The host key of node-1 is read
  detectviz.infra.proxmox_guest_info:
    guests:
      - {name: node-1, vm_id: 101}
      - {name: node-2, vm_id: 102}
    host_keys_of: [node-1]
"""

RETURN = r"""
guests:
  description:
    - Per guest C(name), C(vm_id), C(node), C(state) (V(running), V(stopped), V(planned) when it is not there, or
      V(unknown) when its node does not answer), C(host_keys), and C(problem) when a key or the state could not be read.
  returned: always
  type: list
  elements: dict
site_guests:
  description:
    - The guests of O(guests), then those that the site owns and that are not among them. Each with C(name), C(vm_id),
      C(node), C(state), C(owner) (V(site), V(foreign), V(nobody), or V(unknown) where the guest cannot be read),
      C(in_table), and C(reason) why it is foreign or cannot be read.
  returned: with O(site_name)
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._guest_info import read_guests
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_args import (
    client_of,
    connection_argument_spec,
)
from ansible_collections.detectviz.infra.plugins.module_utils._site_guests import site_guests
from ansible_collections.detectviz.infra.plugins.module_utils._vm_reader import GuestReader


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_argument_spec(),
            "guests": {"type": "list", "elements": "dict", "required": True},
            # Names of guests, not keys.
            "host_keys_of": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "wait_for": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 900},
            "site_name": {"type": "str"},
        },
        supports_check_mode=True,
    )
    try:
        client, params = client_of(module), module.params
        rows, site = params["guests"], params["site_name"]
        result = {"guests": read_guests(client, rows, params["host_keys_of"], params["wait_for"], params["timeout"])}
        if site:
            result["site_guests"] = site_guests(GuestReader(client), site, rows)
    except InfraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
