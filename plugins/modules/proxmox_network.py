#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module for the bridges of a Proxmox node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_network
author: The detectviz.infra authors (@detectviz)
short_description: Bridges of a Proxmox node
version_added: 0.1.0
description:
  - Makes bridges and changes their options over the API, and applies the change.
  - The bridge that carries the management address or the default gateway is refused when it would change.
  - After the change is applied the node is asked again. If a bridge is not as it was wanted, the former options are put
    back and applied (O(take_back)). A node that does not answer any more cannot be mended this way; for that see
    M(detectviz.infra.network_rollback), which the role P(detectviz.infra.host_bridges#role) puts around this module.
  - Bridges that are not listed, and options that are not given, stay as they are.
extends_documentation_fragment:
  - detectviz.infra._proxmox
attributes:
  check_mode:
    description: Can run in check mode and says what it would change.
    support: full
  diff_mode:
    description: Shows the options of each bridge before and after.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  node:
    description: Node whose bridges these are.
    type: str
    required: true
  bridges:
    description: The bridges.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name, such as V(vmbr1).
        type: str
        required: true
      cidr:
        description: IPv4 address of the host on the bridge, with its prefix.
        type: str
      cidr6:
        description: IPv6 address of the host on the bridge, with its prefix.
        type: str
      ports:
        description: Network cards that belong to the bridge.
        type: list
        elements: str
      mtu:
        description: Largest packet in bytes. Every hop of the network must carry it.
        type: int
      vlan_aware:
        description: Whether guests may have VLAN tags on the bridge. Once on, it is not turned off here.
        type: bool
      autostart:
        description: Whether the bridge comes up with the host. New bridges do.
        type: bool
      comment:
        description: Text for people.
        type: str
  management_address:
    description: Address over which the node is managed. By default O(api_host), if that is an address.
    type: str
  timeout:
    description: Seconds for applying the change.
    type: int
    default: 60
  take_back:
    description:
      - Whether to put the former options back over the API when the change does not come up. V(false) where the node
        does it by itself (M(detectviz.infra.network_rollback)).
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: The cluster network has its bridge
  detectviz.infra.proxmox_network:
    node: pve1
    bridges:
      - {name: vmbr1, cidr: 10.0.0.2/24, ports: [enp5s0], mtu: 9000}
"""

RETURN = r"""
bridges:
  description: The bridges that were changed, or would be, each with C(node), C(name) and its options.
  returned: always
  type: list
  elements: dict
  sample: [{node: pve1, name: vmbr1, mtu: 9000}]
"""

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._network_plan import NetworkOperation, plan_bridges, unmet
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_args import (
    client_of,
    connection_argument_spec,
)
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._tasks import finish

BRIDGE_SPEC = {
    "name": {"type": "str", "required": True},
    "cidr": {"type": "str"},
    "cidr6": {"type": "str"},
    "ports": {"type": "list", "elements": "str"},
    "mtu": {"type": "int"},
    "vlan_aware": {"type": "bool"},
    "autostart": {"type": "bool"},
    "comment": {"type": "str"},
}


def argument_spec() -> dict[str, Any]:
    return {
        **connection_argument_spec(),
        "node": {"type": "str", "required": True},
        "bridges": {"type": "list", "elements": "dict", "required": True, "options": BRIDGE_SPEC},
        "management_address": {"type": "str"},
        "timeout": {"type": "int", "default": 60},
        "take_back": {"type": "bool", "default": True},
    }


def _write(client: ProxmoxClient, node: str, operations: list[NetworkOperation]) -> None:
    """Put the operations into the pending file; on an error the pending file is dropped.

    Raises InfraError; with the way to drop it by hand where that fails too.
    """
    try:
        for operation in operations:
            parameters = dict(operation.parameters)
            if operation.action == "create":
                client.post(f"nodes/{node}/network", **parameters)
            else:
                client.put(f"nodes/{node}/network/{parameters.pop('iface')}", **parameters)
    except InfraError as error:
        try:
            client.delete(f"nodes/{node}/network")
        except InfraError as later:
            raise InfraError(
                f"{error}\n  what was written before waits on {node}, not applied, and could not be dropped: {later}\n"
                f"  to drop it, on the host: pvesh delete /nodes/{node}/network"
            ) from error
        raise


def _reload(client: ProxmoxClient, node: str, timeout: int) -> None:
    finish(client, client.put(f"nodes/{node}/network"), timeout, f"network of {node}")


def _undo(client: ProxmoxClient, node: str, operations: list[NetworkOperation], timeout: int) -> None:
    for operation in operations:
        path = f"nodes/{node}/network/{operation.iface}"
        if operation.action == "create":
            client.delete(path)
        else:
            former = {key: int(value) if isinstance(value, bool) else value for key, value in operation.before.items()}
            client.put(path, type="bridge", **former)
    _reload(client, node, timeout)


def _apply(
    client: ProxmoxClient,
    new_client: Callable[[], ProxmoxClient],
    node: str,
    operations: list[NetworkOperation],
    timeout: int,
    take_back: bool,
) -> None:
    _write(client, node, operations)
    try:
        _reload(client, node, timeout)
        # Over a connection of its own: one that was open before the reload says little about the new network.
        problems = unmet(operations, new_client().get(f"nodes/{node}/network"))
    except InfraError as error:
        problems = [str(error)]
    if not problems:
        return
    outcome = ""
    if take_back:
        try:
            _undo(client, node, operations, timeout)
            outcome = " and was taken back"
        except InfraError as error:
            outcome = " and could not be taken back over the API"
            problems.append(f"taking it back: {error}")
    raise ProblemsError(f"The new network of {node} did not come up{outcome}:", problems)


def _run(module: AnsibleModule) -> list[NetworkOperation]:
    params = module.params
    node = params["node"]
    client = client_of(module)
    answer = client.get_whole(f"nodes/{node}/network")
    operations, problems = plan_bridges(
        node, params["bridges"], answer["data"], params["management_address"] or params["api_host"]
    )
    if operations and answer.get("changes"):
        problems.append(
            f"{node} has network changes that somebody made and has not applied; applying ours would apply them too. "
            f"Apply or revert them first (web interface: {node}, System, Network; or on the host, to drop them: "
            f"pvesh delete /nodes/{node}/network)"
        )
    if problems:
        raise ProblemsError(f"The network of {node} cannot be changed; nothing was:", problems)
    if operations and not module.check_mode:
        _apply(client, lambda: client_of(module), node, operations, params["timeout"], params["take_back"])
    return operations


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        supports_check_mode=True,
    )
    try:
        operations = _run(module)
    except InfraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(operations),
        bridges=[{"node": module.params["node"], "name": item.iface, **item.after} for item in operations],
        diff={
            "before": {operation.iface: operation.before for operation in operations},
            "after": {operation.iface: operation.after for operation in operations},
        },
    )


if __name__ == "__main__":
    main()
