#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that puts a backup back on a control-plane node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_restore
author: The detectviz.infra authors (@detectviz)
short_description: Put a backup back on a control-plane node
version_added: 0.1.0
description:
  - V(prepared) reads the backup and makes etcd's data of it beside what is there; all that can be wrong shows here, while
    the cluster still runs. V(stopped) takes etcd and the API server of a node down, V(restored) puts what was prepared in
    the place of etcd's data, V(started) lets both run again. V(tidy) takes away what was prepared.
  - When all members are restored, each state is reached on all of them before the next.
  - Former data of etcd is moved to C(/var/lib/detectviz-infra/etcd-before-TIME), never deleted.
  - Revisions go on far above the snapshot's, so that no client takes old for new.
  - etcdutl comes out of an image of etcd, with O(identity) of that which the backup names. V(prepared) fetches it, through
    containerd's mirrors, where the node has not got it.
  - Runs as root on the node. A run that ended half-way is simply repeated.
attributes:
  check_mode:
    description: Tells whether there is something to do.
    details: V(prepared) and V(restored) tell that they would be done, as a check run does not bring the backup to the node.
    support: partial
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: V(prepared) and V(restored) do it each time, the others when there is something to do.
    support: partial
options:
  state:
    description: What the node is to reach.
    type: str
    choices: [prepared, stopped, restored, started, tidy]
    required: true
  name:
    description: The node's name.
    type: str
    required: true
  address:
    description: Its address on the cluster's network.
    type: str
    required: true
  archive:
    description: The encrypted backup, on the node.
    type: path
  key:
    description: The key that reads it (PEM, with its certificate). It is on the node only while the module runs, in memory.
    type: str
  members:
    description: Addresses of all members that are restored together, by name.
    type: dict
  token:
    description: Name for the restored etcd cluster, the same for all members and another each time.
    type: str
  identity:
    description:
      - Whether the CAs, keys and files of the API server are put back too, on a machine that has none of a cluster.
        C(kubeadm init) then goes on with them, and the cluster is the same one as before.
      - Where an earlier run has done so with the same backup, it is left as it is.
    type: bool
    default: false
  containerd_folder:
    description: Where containerd's files are, and below them its mirrors, as the role P(detectviz.infra.containerd#role) has it.
    type: path
    default: /etc/containerd
  contents:
    description: What V(prepared) has returned.
    type: dict
  timeout:
    description: Seconds to wait for etcd and the API server to end or to be ready.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Etcd's data is made of the backup
  detectviz.infra.etcd_restore:
    state: prepared
    name: node-1
    address: 192.0.2.11
    archive: /var/lib/detectviz-infra/restore.etcd.cms
    key: "{{ lookup('ansible.builtin.file', 'etcd-backup.pem', rstrip=false) }}"
    members: {node-1: 192.0.2.11}
    token: restored-20260101T000000Z
"""

RETURN = r"""
contents:
  description: The backup's list of contents, for V(restored).
  returned: when O(state=prepared), not in check mode
  type: dict
"""

import datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils import _etcd_restore as etcd
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_arguments import runner
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import only_one

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["prepared", "stopped", "restored", "started", "tidy"], "required": True},
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "archive": {"type": "path"},
    "key": {"type": "str", "no_log": True},
    "members": {"type": "dict"},
    "token": {"type": "str", "no_log": False},
    "identity": {"type": "bool", "default": False},
    "containerd_folder": {"type": "path", "default": "/etc/containerd"},
    "contents": {"type": "dict"},
    "timeout": {"type": "int", "default": 300},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    params, clock, state = module.params, SystemClock(), module.params["state"]
    if module.check_mode:
        return {"changed": etcd.would_change(state)}
    with only_one(clock, params["timeout"]):
        if state == "prepared":
            contents = etcd.prepare(
                runner(module), Path(params["archive"]), params["key"], params["name"], params["members"], params["token"],
                params["identity"], params["containerd_folder"],
            )  # fmt: skip
            return {"changed": True, "contents": contents}
        if state == "stopped":
            return {"changed": etcd.stop(clock, params["address"], params["timeout"])}
        if state == "restored":
            stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
            return {"changed": etcd.put_back(params["identity"], etcd.of_backup(params["contents"]), stamp)}
        if state == "started":
            return {"changed": etcd.start(runner(module), clock, params["address"], params["timeout"])}
        return {"changed": etcd.tidy()}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "prepared", ["archive", "key", "members", "token"]), ("state", "restored", ["contents"])],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**act(module))
    except (InfraError, OSError) as error:
        module.fail_json(msg=f"{module.params['name']}: {error}")


if __name__ == "__main__":
    main()
