#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module for the content types of a Proxmox storage."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_storage_content
author: The detectviz.infra authors (@detectviz)
short_description: Content types of a Proxmox storage of files
version_added: 0.1.0
description:
  - Lets a storage of files hold further types of content, and tells where on the host it keeps its snippets.
  - Types that it holds already stay; none is taken away.
  - A change needs Datastore.Allocate on C(/storage); a storage that holds all of them needs Datastore.Audit on itself.
extends_documentation_fragment:
  - detectviz.infra._proxmox
attributes:
  check_mode:
    description: Can run in check mode and says what it would change.
    support: full
  diff_mode:
    description: Shows the types before and after.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  name:
    description: Name of the storage.
    type: str
    required: true
  content:
    description: Types of content that it shall hold, such as V(snippets) or V(import).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: The storage local takes snippets and cloud images
  detectviz.infra.proxmox_storage_content:
    name: local
    content: [snippets, import]
"""

RETURN = r"""
storage:
  description: The storage as it is after the run, or would be.
  returned: always
  type: dict
  contains:
    name: {description: Its name., type: str, sample: local}
    type: {description: Its type., type: str, sample: dir}
    content: {description: Types of content that it holds., type: list, elements: str, sample: [import, snippets]}
    snippets_path: {description: Folder of its snippets on the host., type: str, sample: /var/lib/vz/snippets}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_args import (
    client_of,
    connection_argument_spec,
)
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError
from ansible_collections.detectviz.infra.plugins.module_utils._storage_plan import StoragePlan, plan_storage


def _run(module: AnsibleModule) -> StoragePlan:
    client = client_of(module)
    plan = plan_storage(module.params["name"], module.params["content"], client.get("storage"))
    if plan.parameters() and not module.check_mode:
        try:
            client.put(f"storage/{plan.name}", **plan.parameters())
        except ApiError as error:
            if error.status != 403:
                raise
            raise InfraError(
                f"{error}\n  storages are an administrator's: run this once with such a login, or on a host: "
                f"pvesm set {plan.name} --content {','.join(plan.after)}"
            ) from error
    return plan


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_argument_spec(),
            "name": {"type": "str", "required": True},
            "content": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        plan = _run(module)
    except InfraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(plan.parameters()),
        storage={
            "name": plan.name,
            "type": plan.kind,
            "content": plan.after,
            "snippets_path": plan.snippets_path,
        },
        diff={"before": {plan.name: plan.before}, "after": {plan.name: plan.after}},
    )


if __name__ == "__main__":
    main()
