#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module for pools, roles, users, tokens and permissions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_access
author: The detectviz.infra authors (@detectviz)
short_description: Pools, roles, users, tokens and permissions of a Proxmox cluster
version_added: 0.1.0
description:
  - Makes what a site needs to work with few rights, in one run and in an order that works.
  - Entries that are not listed stay as they are. A listed role gets exactly the listed privileges.
  - The secret of a new token goes straight into a file that only its owner can read. It is in no result and no log.
extends_documentation_fragment:
  - detectviz.infra._proxmox
attributes:
  check_mode:
    description: Can run in check mode and says what it would change.
    support: full
  diff_mode:
    description: Shows entries before and after, never a secret.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  pools:
    description: Resource pools.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the pool., type: str, required: true}
      comment: {description: Text for people., type: str}
  roles:
    description: Roles.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the role., type: str, required: true}
      privileges: {description: Its privileges., type: list, elements: str, required: true}
  users:
    description: Users.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: User with realm., type: str, required: true}
      comment: {description: Text for people., type: str}
  tokens:
    description: API tokens.
    type: list
    elements: dict
    default: []
    suboptions:
      user: {description: User with realm who owns the token., type: str, required: true}
      name: {description: Name of the token., type: str, required: true}
      comment: {description: Text for people., type: str}
      privilege_separation:
        description: Whether the token has only what it is given itself, of what its user has.
        type: bool
        default: true
      secret_file:
        description: File that gets the secret of a new token. Its folder must exist.
        type: path
        required: true
  permissions:
    description: Who has which role where. With privilege separation both user and token need the entry.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: Path such as V(/pool/site)., type: str, required: true}
      role: {description: Name of the role., type: str, required: true}
      user: {description: User with realm., type: str}
      token: {description: Token as V(user@realm!name)., type: str}
      group: {description: Group., type: str}
      propagate: {description: Whether it holds below the path too., type: bool, default: true}
"""

EXAMPLES = r"""
- name: A token may audit
  detectviz.infra.proxmox_access:
    users:
      - name: audit@pve
    tokens:
      - user: audit@pve
        name: reader
        secret_file: "{{ state_dir }}/secrets/reader"
    permissions:
      - path: /
        role: PVEAuditor
        user: audit@pve
        token: audit@pve!reader
"""

RETURN = r"""
operations:
  description: What was written, or would be.
  returned: always
  type: list
  elements: str
  sample: ["role Guests", "user deploy@pve"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._access_apply import (
    apply,
    lost_secrets,
    observe,
    secret_problems,
)
from ansible_collections.detectviz.infra.plugins.module_utils._access_plan import (
    AccessOperation,
    diff_view,
    plan_access,
)
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_args import (
    client_of,
    connection_argument_spec,
)

POOL_SPEC = {"name": {"type": "str", "required": True}, "comment": {"type": "str"}}
ROLE_SPEC = {
    "name": {"type": "str", "required": True},
    "privileges": {"type": "list", "elements": "str", "required": True},
}
USER_SPEC = {"name": {"type": "str", "required": True}, "comment": {"type": "str"}}
TOKEN_SPEC = {
    "user": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "comment": {"type": "str"},
    "privilege_separation": {"type": "bool", "default": True},
    # A path, not a secret.
    "secret_file": {"type": "path", "required": True, "no_log": False},
}
PERMISSION_SPEC = {
    "path": {"type": "str", "required": True},
    "role": {"type": "str", "required": True},
    "user": {"type": "str"},
    # The name of a token, not its secret.
    "token": {"type": "str", "no_log": False},
    "group": {"type": "str"},
    "propagate": {"type": "bool", "default": True},
}


def argument_spec() -> dict[str, Any]:
    def rows(options: dict[str, Any]) -> dict[str, Any]:
        return {"type": "list", "elements": "dict", "default": [], "options": options, "no_log": False}

    return {
        **connection_argument_spec(),
        "pools": rows(POOL_SPEC),
        "roles": rows(ROLE_SPEC),
        "users": rows(USER_SPEC),
        "tokens": rows(TOKEN_SPEC),
        "permissions": rows(PERMISSION_SPEC),
    }


def _run(module: AnsibleModule) -> list[AccessOperation]:
    wanted = {key: module.params[key] for key in ("pools", "roles", "users", "tokens", "permissions")}
    client = client_of(module)
    operations = plan_access(wanted, observe(client, wanted))
    for warning in lost_secrets(wanted["tokens"], operations):
        module.warn(warning)
    if module.check_mode:
        return operations
    problems = secret_problems(operations)
    if problems:
        raise ProblemsError("The secrets of new tokens could not be kept; nothing was changed:", problems)
    apply(client, operations)
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
    before, after = diff_view(operations)
    names = [f"{operation.what} {operation.name}" for operation in operations]
    module.exit_json(changed=bool(operations), operations=names, diff={"before": before, "after": after})


if __name__ == "__main__":
    main()
