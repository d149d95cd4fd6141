#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that reads what a node is like."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_state
author: The detectviz.infra authors (@detectviz)
short_description: Read what a Kubernetes node is like
version_added: 0.1.0
description:
  - Reads, in one run, the parts of a node's operating system that are asked for, such as swap, kernel modules, kernel
    parameters, network, clock, packages, services, files and disks.
  - It only reads, and judges nothing. Roles compare its answer with what they want and act on differences alone, so that
    a run with nothing to do is short.
extends_documentation_fragment:
  - detectviz.infra._reading
options:
  swap:
    description: Whether to read swap in use, and what makes it at boot.
    type: bool
    default: false
  modules:
    description: Kernel modules to look for.
    type: list
    elements: str
    default: []
  sysctls:
    description: Kernel parameters to read, as they are now and as files set them at boot.
    type: list
    elements: str
    default: []
  network:
    description: Whether to read interfaces, gateways and resolvers.
    type: bool
    default: false
  time:
    description: Whether to read the clock's client and state.
    type: bool
    default: false
  control_time:
    description: The control machine's clock in seconds of the epoch, to compare with. V(0) compares nothing.
    type: float
    default: 0
  packages:
    description: Debian packages to look for, installed and in the package lists.
    type: list
    elements: str
    default: []
  services:
    description: Units of systemd to look at.
    type: list
    elements: str
    default: []
  files:
    description: Paths, or patterns of paths, of text files to read.
    type: list
    elements: str
    default: []
  disks:
    description:
      - Names of the machine's disks in the node table, in its order. All but the first, which is the system's, are looked
        at, with what is on them; and the volume groups of LVM.
    type: list
    elements: str
    default: []
  sshd:
    description: Whether to read the options that the SSH server has in effect.
    type: bool
    default: false
  commands:
    description:
      - Commands to run, without a shell. Give only such as change nothing.
      - One that is not installed has the exit code 127.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Swap and clock are read
  detectviz.infra.node_state:
    swap: true
    time: true
"""

RETURN = r"""
state:
  description: What was seen. Only the parts that were asked for are there.
  returned: always
  type: dict
  contains:
    os: {description: "C(id), C(version) and C(codename) of the distribution.", type: dict, returned: always}
    container: {description: Whether the node is a container., type: bool, returned: always}
    swap: {description: "C(active), C(fstab), C(units), C(services).", type: dict}
    modules: {description: "C(loadable), C(kept) and C(loaded) by name.", type: dict}
    sysctls: {description: "C(live) and C(kept) by name.", type: dict}
    network: {description: "C(interfaces), C(gateways), C(own_gateways), C(renderer), C(files), C(resolvers), C(search).", type: dict}
    time: {description: "C(client), C(synchronised), C(settable), C(clock) and C(offset) in seconds.", type: dict}
    packages: {description: "C(installed) and C(available) by name.", type: dict}
    services: {description: "By name C(exists), C(active), C(enabled), C(since).", type: dict}
    files: {description: "By path C(content), C(mode), C(modified).", type: dict}
    disks: {description: "C(lvm), C(groups) in bytes, C(disks).", type: dict}
    sshd: {description: Options in effect by name., type: dict}
    commands: {description: "For each of O(commands) C(command), C(rc) and C(output).", type: list, elements: dict}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._node_state import node_state

ARGUMENT_SPEC = {
    "swap": {"type": "bool", "default": False},
    "modules": {"type": "list", "elements": "str", "default": []},
    "sysctls": {"type": "list", "elements": "str", "default": []},
    "network": {"type": "bool", "default": False},
    "time": {"type": "bool", "default": False},
    "control_time": {"type": "float", "default": 0},
    "packages": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "list", "elements": "str", "default": []},
    "files": {"type": "list", "elements": "str", "default": []},
    "disks": {"type": "list", "elements": "str", "default": []},
    "sshd": {"type": "bool", "default": False},
    "commands": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)

    def run(command: list[str]) -> tuple[int, str]:
        program = module.get_bin_path(command[0])
        if program is None:
            return 127, ""
        code, output, _errors = module.run_command([program, *command[1:]], environ_update={"LC_ALL": "C"})
        return code, output

    module.exit_json(changed=False, state=node_state(run, module.params))


if __name__ == "__main__":
    main()
