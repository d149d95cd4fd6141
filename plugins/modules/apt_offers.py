#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that looks into a package repository without adding it to the machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apt_offers
author: The detectviz.infra authors (@detectviz)
short_description: Which versions of packages a Debian repository offers, without adding it
version_added: 0.1.0
description:
  - Lets apt fetch a repository's lists into a folder of its own, with its signature checked, and reads versions from them.
    The machine's own sources and lists stay as they are.
  - A repository that cannot be read is no failure, but told in RV(error), so that it can be judged beside other findings.
extends_documentation_fragment:
  - detectviz.infra._reading
options:
  url:
    description: Address of the repository.
    type: str
    required: true
  suite:
    description: Suite; with a slash at its end for a flat repository.
    type: str
    default: /
  components:
    description: Components. A flat repository has none.
    type: list
    elements: str
    default: []
  key:
    description: File with the keys that may sign.
    type: path
    required: true
  packages:
    description: Names of packages.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: What the next minor version offers
  detectviz.infra.apt_offers:
    url: https://pkgs.k8s.io/core:/stable:/v1.36/deb/
    key: /etc/apt/keyrings/kubernetes.asc
    packages: [kubeadm, kubelet]
"""

RETURN = r"""
available:
  description: Versions by package.
  returned: success
  type: dict
  sample: {kubeadm: ["1.36.3-1.1"]}
error:
  description: Why the repository could not be read, or an empty text.
  returned: success
  type: str
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._apt_repository import stanza
from ansible_collections.detectviz.infra.plugins.module_utils._node_packages import parse_available

ARGUMENT_SPEC = {
    "url": {"type": "str", "required": True},
    "suite": {"type": "str", "default": "/"},
    "components": {"type": "list", "elements": "str", "default": []},
    "key": {"type": "path", "required": True, "no_log": False},
    "packages": {"type": "list", "elements": "str", "required": True},
}


def look(module: AnsibleModule, folder: str) -> dict[str, Any]:
    """``folder``: an empty one that goes with the module."""
    params = module.params
    for part in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(folder, part))
    source = os.path.join(folder, "offers.sources")
    with open(source, "w", encoding="utf-8") as handle:
        handle.write(stanza(params["url"], params["suite"], params["components"], params["key"]))
    settings = {
        "Dir::Etc::SourceList": source,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": os.path.join(folder, "lists"),
        "Dir::Cache": os.path.join(folder, "cache"),
        "APT::Update::Error-Mode": "any",
        # The folder is root's alone, and apt's own user could not write there.
        "APT::Sandbox::User": "root",
        "Acquire::Retries": "2",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    environment = {"LC_ALL": "C"}
    code, _output, errors = module.run_command(["apt-get", "update", "--quiet", *options], environ_update=environment)
    if code != 0:
        return {"changed": False, "available": {}, "error": " ".join(errors.split())}
    code, output, errors = module.run_command(["apt-cache", "madison", *options, *params["packages"]], environ_update=environment)
    return {"changed": False, "available": parse_available(output), "error": "" if code == 0 else " ".join(errors.split())}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.exit_json(**look(module, os.path.join(module.tmpdir, "offers")))


if __name__ == "__main__":
    main()
