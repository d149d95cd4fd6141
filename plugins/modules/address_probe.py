#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module around the question who has an address."""

from __future__ import annotations

DOCUMENTATION = r"""
module: address_probe
author: The detectviz.infra authors (@detectviz)
short_description: Make sure that nobody has addresses that are to be used
version_added: 0.1.0
description:
  - Asks from a machine, on the networks it is on, who has an address - by ARP for IPv4, by neighbour discovery for IPv6, so that
    a firewall hides nobody. Fails when somebody answers who is not among O(allowed_macs), and tells the hardware
    addresses.
  - An address that the machine has itself is nobody else's. One behind a gateway cannot be asked for; this is a warning.
  - Must run as root. Needs C(ip) (iproute2) with JSON output on the machine.
extends_documentation_fragment:
  - detectviz.infra._reading
attributes:
  check_mode:
    description: Can run in check mode and does the same, as it changes nothing but what the kernel knows of its neighbours.
options:
  addresses:
    description: IPv4 or IPv6 addresses.
    type: list
    elements: str
    required: true
  purpose:
    description: What they are planned for, for the message.
    type: str
    required: true
  variable:
    description: Where they are written, for the message.
    type: str
    required: true
  allowed_macs:
    description: Hardware addresses that may answer.
    type: list
    elements: str
    default: []
  patience:
    description: Seconds that an answer may take.
    type: float
    default: 2
"""

EXAMPLES = r"""
- name: Nobody has the address of the Kubernetes API
  detectviz.infra.address_probe:
    addresses: [192.0.2.10]
    purpose: the Kubernetes API
    variable: vip.address
  become: true
"""

RETURN = r"""
answers:
  description: Who answered.
  returned: always
  type: list
  elements: dict
  sample: [{address: 192.0.2.10, interface: eth0, mac: "52:54:00:12:34:56"}]
unasked:
  description: Addresses that are on no network of the machine.
  returned: always
  type: list
  elements: str
macs:
  description: The machine's own hardware addresses.
  returned: always
  type: list
  elements: str
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_arguments import runner
from ansible_collections.detectviz.infra.plugins.module_utils._neighbours import ask, own_macs

ARGUMENT_SPEC = {
    "addresses": {"type": "list", "elements": "str", "required": True},
    "purpose": {"type": "str", "required": True},
    "variable": {"type": "str", "required": True},
    "allowed_macs": {"type": "list", "elements": "str", "default": []},
    "patience": {"type": "float", "default": 2},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.get_bin_path("ip", required=True)
    params = module.params
    asked = ask(runner(module), SystemClock(), params["addresses"], params["patience"])
    allowed = {mac.lower() for mac in params["allowed_macs"]}
    strangers = [answer for answer in asked.answers if answer.mac not in allowed]
    result = {"answers": [asdict(answer) for answer in asked.answers], "unasked": asked.unasked, "macs": own_macs()}
    if asked.unasked:
        module.warn(f"Whether somebody has {', '.join(asked.unasked)} was not asked: this machine is on none of their networks")
    if strangers:
        told = ", ".join(f"{answer.address} ({answer.mac} answers on {answer.interface})" for answer in strangers)
        module.fail_json(
            msg=f"Planned for {params['purpose']} and already in use: {told}. Find out who has it, or write another into "
            f"{params['variable']}. Nothing was changed",
            **result,
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
