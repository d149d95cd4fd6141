#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module proxmox_vm_clone: arguments in, one call, result out."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_vm_clone
short_description: Converge a set of Proxmox VE virtual machines, cloned from templates
version_added: 0.1.0
description:
  - Makes a whole set of virtual machines be what a table says, in one call. Missing guests are cloned from a template,
    configured, grown and started; existing ones are compared option by option, and only differences are written.
  - Every change is planned first. In check mode the plan is made and returned, with a diff, and nothing is written.
  - The guest id is the key. Names are never searched for, since the API shows them up to ten seconds late.
  - A guest belongs to a site when its tag C(dvz-site-<site_name>), a line in its description and its id agree. Anything
    else is foreign and never changed or destroyed. Guests of the site whose row is gone are reported as orphans.
  - Options that the table does not speak of stay as they are. Disks are grown and added, never shrunk, moved or
    removed. A password for cloud-init is never read, written or shown.
  - What each change means for a running guest is listed in the change matrix of the collection's documentation.
author:
  - The detectviz.infra authors (@detectviz)
options:
  guests:
    description:
      - The guests, in the shape of the host variables of the M(detectviz.infra.site_check) table.
      - Required are C(vm_id), C(name) and C(pve_node). Also read are C(cores), C(sockets), C(cpu_type), C(memory_mb)
        (MiB), C(balloon_mb) (MiB), C(disks) (C(name), C(size_gb) in GiB, C(storage), C(discard), C(ssd), C(iothread),
        C(backup); the first is the system disk), C(networks) (C(bridge), C(addresses), C(gateway), C(gateway6),
        C(mtu), C(vlan_tag), C(mac), C(firewall)), C(template), C(storage), C(full), C(pool), C(node_role), C(bios),
        C(machine), C(scsi_controller), C(arch), C(agent), C(serial), C(vga), C(on_boot), C(protection), C(startup),
        C(tags), C(description), C(user), C(ssh_keys), C(nameservers), C(search_domains), C(upgrade) and C(vendor_snippet)
        (such as V(local:snippets/agent.yml)).
      - A key that is absent or null takes its value from O(defaults); without one there, the option is not managed.
      - A new guest starts with its host (C(onboot=1)) and has the guest agent enabled (C(agent=1)) unless C(on_boot) and
        C(agent) say otherwise. Both are set once; on guests that exist they are not managed where the table is silent.
      - The whole list is read first, and all its errors are reported together.
    type: list
    elements: dict
    required: true
  defaults:
    description:
      - Values for keys that a guest does not have.
    type: dict
    default: {}
  site_name:
    description:
      - Name of the site that owns the guests. It becomes part of their tag.
    type: str
    required: true
  state:
    description:
      - V(started) makes, configures and starts the guests.
      - V(present) makes and configures them and leaves the power as it is.
      - V(stopped) is V(present), and shuts down those that run.
      - V(absent) shuts down and destroys them with all their disks, up to O(max_destroy) of them.
    type: str
    choices: [started, present, stopped, absent]
    default: started
  template:
    description:
      - Template for guests without one of their own. An id, a name, or a map of node names to ids or names.
    type: raw
  storage:
    description:
      - Storage for the disks of new guests without one of their own. Without it they stay on the template's storage.
    type: str
  full:
    description:
      - Whether new guests get a full copy of the template's disk (V(true)) or a linked clone (V(false)).
      - If not given, control planes (C(node_role=control_plane)) and guests for another storage are copied, others
        linked.
    type: bool
  pool:
    description:
      - Pool for guests without one of their own. It must exist.
    type: str
  cloud_init:
    description:
      - Cloud-init data for guests without their own.
    type: dict
    default: {}
    suboptions:
      user:
        description: Login name that cloud-init makes.
        type: str
      ssh_keys:
        description: Public keys for that login. They replace those of the template.
        type: list
        elements: str
      nameservers:
        description: Name servers. Without them the guest gets those of its host.
        type: list
        elements: str
      search_domains:
        description: Search domains.
        type: list
        elements: str
      upgrade:
        description: Whether packages are upgraded at the first boot, which is slow and needs the internet.
        type: bool
  wait:
    description:
      - What is waited for on guests that this run has started.
      - V(ssh) waits until port 22 answers, then reads the host key through the guest agent; V(agent) waits for the
        agent alone; V(none) only for the start itself.
    type: str
    choices: [none, agent, ssh]
    default: ssh
  verify:
    description:
      - V(full) reads the configuration of every guest, which takes one request for each.
      - V(fast) takes one request for all of them. It trusts a tag that holds a hash of what was wanted, and looks at
        power, CPUs, memory and size of the system disk; it does not see manual edits of anything else, and no waiting
        reboots.
    type: str
    choices: [full, fast]
    default: full
  reboot:
    description:
      - Whether running guests are rebooted for changes that need it. They go one after the other, each waited for as
        O(wait) says before the next; after one that fails, no other is rebooted.
    type: str
    choices: [never, when_needed]
    default: never
  parallel:
    description:
      - How many guests are worked on at the same time.
    type: dict
    default: {}
    suboptions:
      local:
        description: For each storage of a node.
        type: int
        default: 4
      shared:
        description: For each shared storage, over all nodes. Proxmox locks these for a second and more.
        type: int
        default: 2
  timeout:
    description:
      - Seconds that one guest may take for its changes, and again for coming up.
    type: int
    default: 900
  total_timeout:
    description:
      - Seconds that the whole run may take.
    type: int
    default: 7200
  adopt:
    description:
      - Ids of foreign guests that the site shall own from now on. Such a guest gets the marker and nothing more; what
        the next run would change is told as a warning.
    type: list
    elements: int
    default: []
  plan_file:
    description:
      - In check mode, the plan is saved to this file.
      - Otherwise exactly this saved plan is carried out. It is refused when guests, table or options have moved since.
    type: path
  max_destroy:
    description:
      - How many guests one run may destroy.
    type: int
    default: 1
  max_reboot:
    description:
      - How many guests one run may reboot. Without it there is no limit.
    type: int
  planned:
    description:
      - What earlier steps of the same run have planned and not made, because it is a check run. The plan is made as
        if it were there. Without check mode this is passed over.
    type: dict
    default: {}
    suboptions:
      templates:
        description: Templates, each with C(vm_id), C(name), C(node) and C(config).
        type: list
        elements: dict
      bridges:
        description: Bridges, each with C(node), C(name) and possibly C(mtu).
        type: list
        elements: dict
      pools:
        description: Names of pools.
        type: list
        elements: str
      snippets:
        description: Snippets that each node will have, such as V(local:snippets/agent.yml).
        type: list
        elements: str
  state_dir:
    description:
      - Folder for the lock that keeps two runs for one site apart. If not given, a folder below
        C(~/.local/state/detectviz.infra).
    type: path
  progress_file:
    description:
      - File to which a JSON line is appended for each step, for those who follow a run. The action plugin of this
        module sets it and shows the lines.
    type: path
notes:
  - Creating a guest takes up to five requests; all guests together one list, one start per node, and about one poll per
    second and node. A run with nothing to do takes one request and one for each guest.
  - Of a guest on another node than the table says, only that fact is reported; it is converged where it is.
  - New guests get no C(protection), C(startup), C(cicustom), tags or description from their template. Files for
    cloud-init that somebody has set on an existing guest stay beside its C(vendor_snippet).
seealso:
  - module: detectviz.infra.proxmox_vm_template
extends_documentation_fragment:
  - detectviz.infra._proxmox
attributes:
  check_mode:
    description: Can run in check_mode and return what would be done without changing anything.
    support: full
  diff_mode:
    description: Returns before and after of every option that changes.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: The machines of the site run
  detectviz.infra.proxmox_vm_clone:
    site_name: demo
    template: ubuntu-2204-template
    storage: local-lvm
    cloud_init:
      user: ubuntu
      ssh_keys:
        - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1xAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com
    guests:
      - name: master-1
        vm_id: 111
        pve_node: pve
        node_role: control_plane
        cores: 4
        memory_mb: 8192
        disks:
          - name: system
            size_gb: 100
        networks:
          - bridge: vmbr0
            addresses: [192.168.0.11/24]
            gateway: 192.168.0.1
  register: machines

- name: A plan is saved, and nothing is changed
  detectviz.infra.proxmox_vm_clone:
    site_name: demo
    guests: "{{ groups['machines'] | map('extract', hostvars) }}"
    plan_file: .state/demo/plans/machines.json
  check_mode: true

- name: Exactly the saved plan is carried out
  detectviz.infra.proxmox_vm_clone:
    site_name: demo
    guests: "{{ groups['machines'] | map('extract', hostvars) }}"
    plan_file: .state/demo/plans/machines.json

- name: One guest is destroyed
  detectviz.infra.proxmox_vm_clone:
    site_name: demo
    state: absent
    guests:
      - name: master-1
        vm_id: 111
        pve_node: pve
"""

RETURN = r"""
guests:
  description: One record per guest, in the order of the option.
  returned: always
  type: list
  elements: dict
  contains:
    vm_id:
      description: Guest id.
      type: int
      sample: 111
    name:
      description: Name in the table.
      type: str
      sample: master-1
    node:
      description: Node that the guest is on, or will be made on.
      type: str
      sample: pve
    status:
      description:
        - Power state after the run, C(absent), or C(failed) for a guest with an error. In check mode, what a run
          leads to.
      type: str
      sample: running
    addresses:
      description: Addresses without prefix; from the table, or told by the agent.
      type: list
      elements: str
      sample: [192.168.0.11, 10.0.0.11]
    host_keys:
      description: Public SSH host keys, read through the agent, of guests that this run started or rebooted.
      type: list
      elements: str
    changed:
      description: Whether anything was or would be written for this guest.
      type: bool
    operations:
      description: Steps in their order, each with the options it changes (C(key), C(before), C(after), C(effect)).
      type: list
      elements: dict
    reboot_required:
      description: Whether something only takes effect at the next boot.
      type: bool
    reboot_keys:
      description: What waits for that boot.
      type: list
      elements: str
    notes:
      description: What was seen and deliberately left alone.
      type: list
      elements: str
    error:
      description: Why the guest failed, or null.
      type: str
orphans:
  description: Guests of the site whose row is gone from the table.
  returned: always
  type: list
  elements: dict
  sample:
    - vm_id: 119
      name: old-worker
      node: pve
      status: running
reboots_waiting:
  description: What takes effect at the next boot of a guest that this run does not reboot, by the guest's name.
  returned: always
  type: dict
  sample: {worker-1: [memory]}
summary:
  description: Number of guests by what was or would be done.
  returned: always
  type: dict
  sample: {create: 4, update: 0, start: 4, stop: 0, reboot: 0, destroy: 0, unchanged: 0, failed: 0}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._planned_view import PlannedView
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_args import (
    client_of,
    connection_argument_spec,
)
from ansible_collections.detectviz.infra.plugins.module_utils._site_lock import default_state_dir
from ansible_collections.detectviz.infra.plugins.module_utils._vm_apply import Limits
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import read_guests
from ansible_collections.detectviz.infra.plugins.module_utils._vm_row import site_problem
from ansible_collections.detectviz.infra.plugins.module_utils._vm_run import Run, Settings
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import Options


def argument_spec() -> dict[str, dict[str, Any]]:
    """Options of the module."""
    return {
        **connection_argument_spec(),
        "guests": {"type": "list", "elements": "dict", "required": True},
        "defaults": {"type": "dict", "default": {}},
        "site_name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["started", "present", "stopped", "absent"], "default": "started"},
        "template": {"type": "raw"},
        "storage": {"type": "str"},
        "full": {"type": "bool"},
        "pool": {"type": "str"},
        "cloud_init": {
            "type": "dict",
            "default": {},
            "options": {
                "user": {"type": "str"},
                "ssh_keys": {"type": "list", "elements": "str", "no_log": False},
                "nameservers": {"type": "list", "elements": "str"},
                "search_domains": {"type": "list", "elements": "str"},
                "upgrade": {"type": "bool"},
            },
        },
        "wait": {"type": "str", "choices": ["none", "agent", "ssh"], "default": "ssh"},
        "verify": {"type": "str", "choices": ["full", "fast"], "default": "full"},
        "reboot": {"type": "str", "choices": ["never", "when_needed"], "default": "never"},
        "parallel": {
            "type": "dict",
            "default": {},
            "options": {"local": {"type": "int", "default": 4}, "shared": {"type": "int", "default": 2}},
        },
        "timeout": {"type": "int", "default": 900},
        "total_timeout": {"type": "int", "default": 7200},
        "adopt": {"type": "list", "elements": "int", "default": []},
        "plan_file": {"type": "path"},
        "max_destroy": {"type": "int", "default": 1},
        "max_reboot": {"type": "int"},
        "planned": {
            "type": "dict",
            "default": {},
            "options": {
                "templates": {"type": "list", "elements": "dict"},
                "bridges": {"type": "list", "elements": "dict"},
                "pools": {"type": "list", "elements": "str"},
                "snippets": {"type": "list", "elements": "str"},
            },
        },
        "state_dir": {"type": "path"},
        "progress_file": {"type": "path"},
    }


def settings_of(params: dict[str, Any], check_mode: bool) -> Settings:
    """The run that the options describe."""
    site = params["site_name"]
    parallel = params["parallel"] or {}
    return Settings(
        options=Options(
            site=site,
            state=params["state"],
            reboot=params["reboot"] == "when_needed",
            adopt=frozenset(params["adopt"]),
            now=int(SystemClock().now()),
        ),
        state_dir=Path(params["state_dir"]) if params["state_dir"] else default_state_dir(site),
        check_mode=check_mode,
        wait=params["wait"],
        verify=params["verify"],
        limits=Limits(
            local=max(1, parallel.get("local", 4)),
            shared=max(1, parallel.get("shared", 2)),
            guest=params["timeout"],
            total=params["total_timeout"],
        ),
        plan_file=Path(params["plan_file"]) if params["plan_file"] else None,
        max_destroy=params["max_destroy"],
        max_reboot=params["max_reboot"],
        progress_file=params["progress_file"],
    )


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        supports_check_mode=True,
    )
    params = module.params
    problem = site_problem(params["site_name"])
    if problem:
        module.fail_json(msg=problem)
    client = client_of(module)
    if module.check_mode:
        client = PlannedView(client, params["planned"])
    fallback = {key: params[key] for key in ("template", "storage", "full", "pool")}
    try:
        guests = read_guests(params["guests"], params["defaults"], fallback, params["cloud_init"])
        result = Run(client, guests, settings_of(params, module.check_mode)).execute()
    except InfraError as error:
        module.fail_json(msg=str(error))
    finally:
        client.close()
    for warning in result.warnings:
        module.warn(warning)
    if result.errors:
        number = len(result.errors)
        heading = f"{number} guest{'s' if number > 1 else ''} failed:"
        module.fail_json(msg="\n".join([heading, *result.errors]), **result.to_dict())
    module.exit_json(**result.to_dict())


if __name__ == "__main__":
    main()
