#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module around the guest probe."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guest_probe
author: The detectviz.infra authors (@detectviz)
short_description: Read what a guest looks like from inside
version_added: 0.1.0
description:
  - Reads host name, interfaces, the state of cloud-init, disks, names and path MTU of a guest in one run.
  - It only reads, and judges nothing. The filter P(detectviz.infra.machine_report#filter) compares its answers with
    what the site expects.
  - Needs C(ip) and C(ping) (iputils) on the guest.
extends_documentation_fragment:
  - detectviz.infra._reading
options:
  names:
    description: Host names to look up, both through the system's resolver and at O(dns_server).
    type: list
    elements: str
    default: []
  dns_server:
    description:
      - Address of the DNS server that is asked directly.
      - Without it only the system's resolver is asked.
    type: str
  pings:
    description: Addresses to ping with packets that no router may cut.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: IPv4 or IPv6 address.
        type: str
        required: true
      mtu:
        description: Size of the whole IP packet in bytes.
        type: int
        default: 1500
      count:
        description: How many packets are sent.
        type: int
        default: 5
      target:
        description: Name of what is pinged, for people. It is handed back.
        type: str
        default: ''
      optional:
        description: Whether the address may answer no ping at all, as routers may. It is handed back.
        type: bool
        default: false
  disks:
    description:
      - Names of the disks to measure. The first is the system disk on C(scsi0); a further one is found by its serial,
        which is its name, else by its position.
    type: list
    elements: str
    default: []
  cloud_init_timeout:
    description: How long to wait for cloud-init to finish, in seconds.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: The guest is read
  detectviz.infra.guest_probe:
    names: [node-2.example.net]
    dns_server: 192.0.2.2
    pings:
      - {address: 192.0.2.12, mtu: 1500}
    disks: [system]
"""

RETURN = r"""
probe:
  description: What was seen.
  returned: always
  type: dict
  contains:
    hostname: {description: The host name., type: str, sample: node-1}
    container: {description: Whether the guest is a container., type: bool}
    cloud_init: {description: "C(status) and C(errors) of cloud-init.", type: dict, sample: {status: done, errors: []}}
    interfaces: {description: "By name: C(mac), C(mtu), C(addresses).", type: dict}
    resolved: {description: Addresses per name as the resolver gives them., type: dict}
    served: {description: "Per name C(addresses) and C(error) as O(dns_server) answers.", type: dict}
    pings: {description: "Each of O(pings) with C(sent), C(received) and C(small).", type: list, elements: dict}
    disks: {description: "Size in bytes per disk, null if absent.", type: list, elements: int}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._guest_probe import probe

PING_SPEC = {
    "address": {"type": "str", "required": True},
    "mtu": {"type": "int", "default": 1500},
    "count": {"type": "int", "default": 5},
    "target": {"type": "str", "default": ""},
    "optional": {"type": "bool", "default": False},
}

ARGUMENT_SPEC = {
    "names": {"type": "list", "elements": "str", "default": []},
    "dns_server": {"type": "str"},
    "pings": {"type": "list", "elements": "dict", "default": [], "options": PING_SPEC},
    "disks": {"type": "list", "elements": "str", "default": []},
    "cloud_init_timeout": {"type": "int", "default": 300},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    for program in ("ip", "ping"):
        module.get_bin_path(program, required=True)

    def run(command: list[str]) -> tuple[int, str]:
        program = module.get_bin_path(command[0])
        if program is None:
            return 127, ""
        code, output, _errors = module.run_command([program, *command[1:]], environ_update={"LC_ALL": "C"})
        return code, output

    module.exit_json(changed=False, probe=probe(run, **module.params))


if __name__ == "__main__":
    main()
