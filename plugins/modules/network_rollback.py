#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module for a Proxmox host that takes its network back unless a change is confirmed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_rollback
author: The detectviz.infra authors (@detectviz)
short_description: A host takes its network back unless a change is confirmed
version_added: 0.1.0
description:
  - Runs on a Proxmox host, around a change of its network. Before the change, V(armed) keeps C(/etc/network/interfaces)
    and starts a timer of systemd that puts it back and runs C(ifreload -a). After the change, V(confirmed) ends the
    timer, if the kernel's bridges are as wanted. So a host that the change has cut off, or whose run has died, comes
    back by itself.
  - A restart of the host ends the timer. So V(armed) also leaves a service of systemd that puts the file back at boot, before
    the network starts; it is removed when the change is confirmed or taken back.
requirements:
  - ifupdown2 and systemd (on the host)
attributes:
  check_mode:
    description: Can run in check mode and says what it would change. It waits in check mode too.
    support: full
  diff_mode:
    description: Has nothing to show; the bridges are shown by M(detectviz.infra.proxmox_network).
    support: none
  idempotent:
    description: V(settled) and V(taken_back) change nothing where nothing waits. The others are steps of a change.
    support: partial
options:
  state:
    description:
      - V(settled) waits until no change of an earlier run waits for its confirmation, and takes back one that was left
        without a timer.
      - V(armed) keeps the present configuration and starts the timer.
      - V(confirmed) ends the timer. It fails, and the timer goes on, when a bridge is not as O(bridges) says, and when
        the host has taken its configuration back already.
      - V(taken_back) does now what the timer would do.
    type: str
    choices: [settled, armed, confirmed, taken_back]
    required: true
  seconds:
    description: With O(state=armed), the time in which the change must be confirmed.
    type: int
    default: 180
  bridges:
    description:
      - With O(state=confirmed), the bridges as they must be now, as C(bridges) of the result of
        M(detectviz.infra.proxmox_network). Those that do not come up by themselves (C(autostart)) are not looked at.
    type: list
    elements: dict
    default: []
  timeout:
    description: With O(state=settled), how many seconds to wait for another run's change.
    type: int
    default: 900
seealso:
  - module: detectviz.infra.proxmox_network
"""

EXAMPLES = r"""
- name: The host takes its network back unless the change is confirmed
  detectviz.infra.network_rollback:
    state: armed

- name: Its bridges are changed
  detectviz.infra.proxmox_network:
    node: pve1
    bridges: [{name: vmbr1, mtu: 9000}]
  delegate_to: localhost
  register: changed_network

- name: The change is confirmed
  detectviz.infra.network_rollback:
    state: confirmed
    bridges: "{{ changed_network.bridges }}"
"""

RETURN = r"""
waiting:
  description: Whether a change of the network waits for its confirmation now.
  returned: always
  type: bool
  sample: true
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._network_rollback import Rollback

ARGUMENT_SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["settled", "armed", "confirmed", "taken_back"], "required": True},
    "seconds": {"type": "int", "default": 180},
    "bridges": {"type": "list", "elements": "dict", "default": []},
    "timeout": {"type": "int", "default": 900},
}


def _take_back(rollback: Rollback, check: bool) -> bool:
    if not rollback.unconfirmed():
        return False
    if not check:
        rollback.take_back()
    return True


def _arm(rollback: Rollback, seconds: int, check: bool) -> bool:
    problems = rollback.problems()
    if rollback.armed():
        problems.append("another change of its network waits for its confirmation; run again when that is over")
    if problems:
        raise ProblemsError("This host could not take its network back by itself, so nothing was changed:", problems)
    if not check:
        rollback.arm(seconds)
    return True


def _run(rollback: Rollback, params: dict[str, Any], check: bool) -> bool:
    """Whether something was changed, or would be."""
    if params["state"] == "settled":
        rollback.wait(params["timeout"])
        return _take_back(rollback, check)
    if params["state"] == "armed":
        return _arm(rollback, params["seconds"], check)
    if params["state"] == "confirmed":
        if not check:
            rollback.confirm(params["bridges"])
        return True
    return _take_back(rollback, check)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    rollback = Rollback(module.run_command)
    try:
        changed = _run(rollback, module.params, module.check_mode)
    except InfraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed, waiting=rollback.unconfirmed())


if __name__ == "__main__":
    main()
