#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that verifies a backup on the control machine and keeps the newest ones."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_backup_file
author: The detectviz.infra authors (@detectviz)
short_description: Verify a fetched backup and keep the newest ones
version_added: 0.1.0
description:
  - Decrypts a backup in memory and compares every file in it with the list of contents. Then writes what is known of it,
    nothing secret, into a file of the same name and C(.json). That is written last, so a backup without it was not verified.
  - Removes backups of the site that are neither of the O(keep) newest nor the newest of one of the last O(keep_days) days.
    Only once the new one is verified, and never any other file. Backups that were not verified neither count nor go.
requirements:
  - openssl (on the controller)
attributes:
  check_mode:
    description: Verifies, and says what would be removed.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  path:
    description: The encrypted archive.
    type: path
    required: true
  fetched:
    description:
      - The archive as it was fetched, in the folder of O(path). It gets the name O(path) once it is verified, so that one which
        cannot be read never has the name of a backup. Where it is not there any more, O(path) is verified.
    type: path
  key_file:
    description: The file with the key (PEM, with its certificate).
    type: path
    required: true
  site:
    description: The site's name. Backups of others are left alone.
    type: str
    required: true
  sha256:
    description: Checksum of the archive as it was made.
    type: str
  keep:
    description: How many of the newest backups stay. V(0) removes none.
    type: int
    default: 0
  keep_days:
    description:
      - Of how many days the newest backup stays too, whatever O(keep) says. The last days on which one was made count, in UTC.
        So many backups of one day, as before each change, push out none of the days before.
      - V(0) keeps none for its day.
    type: int
    default: 14
"""

EXAMPLES = r"""
- name: The backup is whole
  detectviz.infra.etcd_backup_file:
    path: "{{ state_dir }}/etcd/example-20260101T000000Z.etcd.cms"
    key_file: "{{ state_dir }}/secrets/etcd-backup.pem"
    site: example
    keep: 14
    keep_days: 14
"""

RETURN = r"""
contents:
  description:
    - The list of contents, with C(taken), C(node), C(etcd) (C(revision), C(hash), C(keys)), C(ca) (SHA-256 of the cluster's CA)
      and C(files).
  returned: success
  type: dict
removed:
  description: Names of backups that were, or would be, removed.
  returned: success
  type: list
  elements: str
"""

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import read_archive
from ansible_collections.detectviz.infra.plugins.module_utils._backup_names import NOTE, superfluous
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import write_private

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "fetched": {"type": "path"},
    "key_file": {"type": "path", "required": True, "no_log": False},
    "site": {"type": "str", "required": True},
    "sha256": {"type": "str"},
    "keep": {"type": "int", "default": 0},
    "keep_days": {"type": "int", "default": 14},
}


def verify(module: AnsibleModule) -> dict[str, Any]:
    """Compares, gives it its name, writes what is known, removes what is too old."""
    params = module.params
    path, fetched = Path(params["path"]), Path(params["fetched"] or params["path"])
    archive = fetched if fetched.is_file() else path
    if not archive.is_file():
        raise InfraError(f"{path} is not there: fetch the backup from the node first")
    found = module.sha256(str(archive))
    if params["sha256"] and found != params["sha256"]:
        raise InfraError(f"{archive} is not what the node has made (SHA-256 {found}, expected {params['sha256']}): fetch it again")
    contents = read_archive(archive, params["key_file"])
    note = path.with_name(path.name + NOTE)
    text = json.dumps({**contents, "sha256": found, "size": archive.stat().st_size}, indent=1, sort_keys=True) + "\n"
    changed = archive != path or not note.exists() or note.read_text(encoding="utf-8") != text
    # As they will be: the one that was verified now counts.
    names = {path.name, note.name, *(item.name for item in path.parent.iterdir())}
    old = superfluous(names, params["site"], params["keep"], params["keep_days"]) if params["keep"] else []
    if not module.check_mode:
        if archive != path:
            archive.replace(path)
        if changed:
            write_private(note, text)
        for name in old:
            for item in (path.parent / name, path.parent / f"{name}{NOTE}"):
                item.unlink(missing_ok=True)
    return {"changed": changed or bool(old), "contents": contents, "removed": old}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        module.exit_json(**verify(module))
    except (InfraError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
