#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module around the known_hosts file of a site."""

from __future__ import annotations

DOCUMENTATION = r"""
module: known_hosts_file
author: The detectviz.infra authors (@detectviz)
short_description: Pin SSH host keys of many hosts in one file
version_added: 0.1.0
description:
  - Keeps a C(known_hosts) file that holds exactly the given keys for the given names, and leaves all other lines alone.
  - Names of hosts that are gone are taken out (O(absent)). A key that a former guest left behind would make SSH refuse the
    one that is made in its place.
  - It takes all hosts at once. M(ansible.builtin.known_hosts) takes one key of one host per run.
attributes:
  check_mode:
    description: Can run in check mode and says what it would change.
    support: full
  diff_mode:
    description: Shows the lines before and after. Host keys are public.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  path:
    description: The file. Its folder must exist. It is made with mode V(0600).
    type: path
    required: true
  entries:
    description: Hosts with their keys. All former keys of these names are replaced.
    type: list
    elements: dict
    default: []
    suboptions:
      names:
        description: Names and addresses of the host.
        type: list
        elements: str
        required: true
      keys:
        description: Public host keys, such as C(ssh-ed25519 AAAA...).
        type: list
        elements: str
        required: true
  absent:
    description: Names and addresses that have no key any more, unless O(entries) gives them one.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: The host key of node-1 is pinned
  detectviz.infra.known_hosts_file:
    path: "{{ state_dir }}/known_hosts"
    entries:
      - names: [node-1, 192.0.2.11]
        keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDq0pCFvT8cfV9XcCQjtQIBXBGP8jxJOYLBDEhBAhCHt]

- name: A machine that was destroyed has no key any more
  detectviz.infra.known_hosts_file:
    path: "{{ state_dir }}/known_hosts"
    absent: [node-1, 192.0.2.11]
"""

RETURN = r"""
names:
  description: Every name that has a key in the file afterwards.
  returned: always
  type: list
  elements: str
  sample: [node-1, 192.0.2.11]
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._known_hosts import merge_known_hosts, names_in

ENTRY_SPEC = {
    "names": {"type": "list", "elements": "str", "required": True},
    "keys": {"type": "list", "elements": "str", "required": True, "no_log": False},
}

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "entries": {"type": "list", "elements": "dict", "default": [], "options": ENTRY_SPEC},
    "absent": {"type": "list", "elements": "str", "default": []},
}


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except FileNotFoundError:
        return ""


def _write(module: AnsibleModule, path: str, text: str) -> None:
    draft = os.path.join(module.tmpdir, "known_hosts")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    module.atomic_move(draft, path)
    os.chmod(path, 0o600)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    path = module.params["path"]
    try:
        before = _read(path)
        after = merge_known_hosts(before, module.params["entries"], module.params["absent"])
    except (InfraError, OSError) as error:
        module.fail_json(msg=str(error))
    changed = before != after
    if changed and not module.check_mode:
        if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            module.fail_json(msg=f"The folder of {path} does not exist; make it first, for its owner only")
        _write(module, path, after)
    diff = {"before": before, "after": after, "before_header": path, "after_header": path}
    module.exit_json(changed=changed, names=names_in(after), diff=diff)


if __name__ == "__main__":
    main()
