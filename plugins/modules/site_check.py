# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: site_check
short_description: Check a site's node table and data before a phase begins
version_added: 0.1.0
author:
  - The detectviz.infra authors (@detectviz)
description:
  - Repeats on the controller the whole check of P(detectviz.infra.node_table#inventory), from the files themselves. So
    a run whose inventory failed to parse stops with the same list of problems instead of going on without hosts.
  - Fails as well when the inventory of the run holds other machines than the table, and when a variable that others
    are derived from has another value in the run than in the site's data.
  - Touches no host, and writes nothing.
options:
  sources:
    description:
      - Inventory sources, files that end in C(.node_table.yml) or folders that hold one. Exactly one site must be
        among them.
      - Without this option it is the sources that the run was started with; then the machines of the run are compared
        with the table as well.
    type: list
    elements: path
  require_complete:
    description: Fail also when something is missing that is needed before machines can be made, such as an SSH key.
    type: bool
    default: false
  require_maintained:
    description: Fail also when the site names a version of Kubernetes that is past its end of life; without it that is a warning.
    type: bool
    default: false
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
  become:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  connection:
    support: none
  delegation:
    support: none
    details: Always runs on the controller.
  diff_mode:
    support: none
  platform:
    support: full
    platforms: all
requirements:
  - jsonschema (on the controller)
seealso:
  - plugin: detectviz.infra.node_table
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: The site's data is complete and free of contradictions
  hosts: localhost
  gather_facts: false
  tasks:
    - name: The node table passes every check
      detectviz.infra.site_check:

    - name: Another site passes as well
      detectviz.infra.site_check:
        sources: [inventory/homelab/site.node_table.yml]
"""

RETURN = r"""
problems:
  description: Every problem that was found.
  returned: on failure because of the site's data
  type: list
  elements: dict
  sample:
    - file: tables/machines.yml
      row: 4
      line: 31
      column: networks[0].addresses
      value: 10.0.0.300/24
      fact: is not an address
      expected: write an IPv4 or IPv6 address with a prefix, or dhcp
      text: >-
        tables/machines.yml row 4, networks[0].addresses: 10.0.0.300/24 is not an address;
        write an IPv4 or IPv6 address with a prefix, or dhcp (line 31)
site:
  description: The site's name.
  returned: success
  type: str
  sample: detectviz
machines:
  description: Names of all machines.
  returned: success
  type: list
  elements: str
  sample: [master-1, app-worker]
containers:
  description: Names of the machines that are containers.
  returned: success
  type: list
  elements: str
  sample: []
missing:
  description: What is not wrong but needed before machines can be made.
  returned: success
  type: list
  elements: str
  sample: ["guest_defaults.ssh_keys: at least one public SSH key, or nobody can log in (for node-1)"]
next_steps:
  description: What to do next, in order.
  returned: success
  type: list
  elements: str
  sample: ["ansible-playbook -i site.node_table.yml detectviz.infra.plan shows what would be made."]
survives:
  description: Whether the control plane survives the loss of a guest and of a Proxmox VE host.
  returned: success
  type: dict
  sample: {guest: true, host: false, text: "One Proxmox host: the control plane survives the loss of a guest."}
"""
