#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module for a package repository whose key is known by its fingerprint."""

from __future__ import annotations

DOCUMENTATION = r"""
module: signed_apt_repository
author: The detectviz.infra authors (@detectviz)
short_description: A Debian package repository whose key is known by its fingerprint
version_added: 0.1.0
description:
  - Writes a source of apt in the deb822 format and the key that signs it.
  - The key is downloaded only when the one on the machine is missing, is not the named one, or runs out within thirty days
    (publishers extend a key in time), and its fingerprint is compared before it is written.
  - A file that also holds another key is refused, as apt would trust that one too.
  - Needs no gpg on the machine. (M(ansible.builtin.deb822_repository) downloads a key too, and trusts what it gets.)
attributes:
  check_mode:
    description: Can run in check mode; a key that is needed is downloaded and compared, and not written.
    support: full
  diff_mode:
    description: Shows the source and the fingerprints.
    support: full
  idempotent:
    description: Changes nothing, and downloads nothing, when source and key are as wanted and the key is valid for long.
    support: full
options:
  name:
    description: Name of the repository, also of its files in C(/etc/apt/sources.list.d) and C(/etc/apt/keyrings).
    type: str
    required: true
  url:
    description: Address of the repository. Required when O(state=present).
    type: str
  suite:
    description: Suite, such as V(bookworm); with a slash at its end, such as V(/), for a flat repository.
    type: str
    default: /
  components:
    description: Components, such as V(stable). A flat repository has none.
    type: list
    elements: str
    default: []
  key_url:
    description: Where the armoured public key is. Required when O(state=present).
    type: str
  key_fingerprints:
    description: Full fingerprints of the keys that may sign, in any spelling. Required when O(state=present).
    type: list
    elements: str
    default: []
  timeout:
    description: How long the download of the key may take, in seconds.
    type: int
    default: 30
  state:
    description: Whether the repository is there.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Kubernetes 1.36 can be installed
  detectviz.infra.signed_apt_repository:
    name: kubernetes
    url: https://pkgs.k8s.io/core:/stable:/v1.36/deb/
    key_url: https://pkgs.k8s.io/core:/stable:/v1.36/deb/Release.key
    key_fingerprints: [DE15B14486CD377B9E876E1A234654DA9A296436]
"""

RETURN = r"""
repository:
  description: The files of the repository.
  returned: always
  type: dict
  contains:
    source: {description: Path of the source., type: str, sample: /etc/apt/sources.list.d/kubernetes.sources}
    key: {description: Path of the key., type: str, sample: /etc/apt/keyrings/kubernetes.asc}
"""

import os
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import fetch_url
from ansible_collections.detectviz.infra.plugins.module_utils._apt_repository import (
    KeyRefused,
    Repository,
    key_ends,
    key_problem,
)
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "url": {"type": "str"},
    "suite": {"type": "str", "default": "/"},
    "components": {"type": "list", "elements": "str", "default": []},
    "key_url": {"type": "str", "no_log": False},
    "key_fingerprints": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "timeout": {"type": "int", "default": 30},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "present", ("url", "key_url", "key_fingerprints"))],
        supports_check_mode=True,
    )
    names = ("name", "url", "suite", "components", "key_url", "key_fingerprints")
    repository = Repository(**{name: module.params[name] for name in names})
    try:
        wanted = _wanted(module, repository) if module.params["state"] == "present" else {}
    except InfraError as error:
        module.fail_json(msg=str(error))
    paths = (repository.key_path, repository.source_path)
    found = {path: _read(path) for path in paths}
    changes = {path: wanted.get(path) for path in paths if found[path] != wanted.get(path)}
    if not module.check_mode:
        for path, content in changes.items():
            _write(module, path, content)
    module.exit_json(
        changed=bool(changes),
        diff=[
            {"before_header": path, "after_header": path, "before": _text(found[path]), "after": _text(wanted.get(path))}
            for path in changes
        ],
        repository={"source": repository.source_path, "key": repository.key_path},
    )


def _wanted(module: AnsibleModule, repository: Repository) -> dict[str, bytes]:
    """Content by path. A key that is there, the named one and valid for long is kept: nothing is downloaded."""
    repository.check()
    key = _read(repository.key_path)
    if key is None or key_problem(key, repository.key_fingerprints):
        key = _named_key(module, repository)
    elif ends := key_ends(key, time.time()):
        try:
            key = _named_key(module, repository)
        except InfraError as error:
            # What is installed already needs no key, so this is no reason to stop.
            module.warn(f"repository {repository.name}: its key is valid until {ends}, and a newer one is not to be had: {error}")
    return {repository.key_path: key, repository.source_path: repository.source().encode()}


def _named_key(module: AnsibleModule, repository: Repository) -> bytes:
    """The published key, which is the named one."""
    key = _download(module, repository.key_url)
    problem = key_problem(key, repository.key_fingerprints)
    if problem:
        raise KeyRefused(
            f"repository {repository.name}: the key at {repository.key_url} is refused: {problem}. Compare it with "
            "the publisher's fingerprint, and name that one"
        )
    return key


def _download(module: AnsibleModule, url: str) -> bytes:
    response, info = fetch_url(module, url, timeout=module.params["timeout"])
    # A file has no status.
    if response is None or info["status"] not in (200, None):
        raise InfraError(f"the key at {url} cannot be had: {info['msg']}; is the address right and reachable from here?")
    return bytes(response.read())


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def _write(module: AnsibleModule, path: str, content: bytes | None) -> None:
    if content is None:
        os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    # apt reads both as its own user.
    module.set_mode_if_different(temporary, "0644", False)
    module.atomic_move(temporary, path)


def _text(content: bytes | None) -> str:
    return "" if content is None else content.decode(errors="replace")


if __name__ == "__main__":
    main()
