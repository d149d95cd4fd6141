#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module around Calico's install manifest."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_manifest
author: The detectviz.infra authors (@detectviz)
short_description: Make Calico's install manifest fit a cluster
version_added: 0.1.0
description:
  - Reads the manifest that Calico publishes as C(calico.yaml), and writes it for one cluster. What is applied then is the
    matter of M(kubernetes.core.k8s).
  - The manifest is edited as data. Environment variables are set by name, once each, and a former C(valueFrom) goes.
  - Only the DaemonSet C(calico-node), the ConfigMap C(calico-config) and, with O(registry), the images of all workloads
    change. Every other object stays as it is, letter by letter, in its place.
  - It depends on no version of Calico. A manifest that lacks what is to be changed, or that has a key twice, is refused.
requirements:
  - PyYAML
attributes:
  check_mode:
    description: Can run in check mode and says what it would change.
    support: full
  diff_mode:
    description: Shows the file before and after.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  src:
    description:
      - The manifest as Calico publishes it.
    type: path
    required: true
  dest:
    description:
      - The file to write. Its folder must exist. A new file gets the mode V(0644), unless O(mode) says otherwise.
    type: path
    required: true
  pool_cidr:
    description:
      - The network of the pods, one of each IP version. Calico makes its first pools of them, and only when it starts for
        the first time. Pools of a running cluster are changed by M(detectviz.infra.calico_felix).
      - A network of IPv6 also turns IPv6 on for Felix and for the pods.
      - By default what the manifest has. Calico then takes the one that kubeadm was told.
    type: list
    elements: str
  encapsulation:
    description:
      - How packets between pods pass from node to node.
      - V(vxlan) and V(vxlan_cross_subnet) need no BGP. BIRD is then off, and so are its probes.
      - V(vxlan_cross_subnet) and V(ipip_cross_subnet) encapsulate only what leaves the nodes' subnet.
    type: str
    choices: [vxlan, vxlan_cross_subnet, ipip, ipip_cross_subnet, none]
    default: vxlan
  mtu:
    description:
      - MTU of the pods and of the tunnels in bytes, that of the nodes' network without what O(encapsulation) adds.
      - By default what the manifest has, with which Calico guesses.
    type: int
  address_detection:
    description:
      - How a node finds the address that it tells to the others. One of Calico's methods, such as
        V(cidr=10.0.0.0/24) or V(kubernetes-internal-ip), or networks with commas between.
      - By default what the manifest has. Calico then takes the first address it finds.
    type: str
  registry:
    description:
      - Registry, and path within it, from which all images are taken, such as C(registry.example.net:5000/mirror).
    type: str
  dataplane:
    description:
      - What Felix programs, which must be what kube-proxy uses. V(nftables) needs Calico v3.29.
      - By default what the manifest has.
    type: str
    choices: [iptables, nftables]
extends_documentation_fragment:
  - ansible.builtin.files
"""

EXAMPLES = r"""
- name: The manifest fits the cluster
  detectviz.infra.calico_manifest:
    src: calico-v3.31.7.yaml
    dest: calico.yaml
    pool_cidr: [10.244.0.0/16]
    encapsulation: vxlan
    mtu: 1450
    address_detection: cidr=10.0.0.0/24
  delegate_to: localhost

- name: Two IP versions, and images from a registry of one's own
  detectviz.infra.calico_manifest:
    src: calico-v3.31.7.yaml
    dest: calico.yaml
    pool_cidr: [10.244.0.0/16, "2001:db8:42::/48"]
    address_detection: cidr=10.0.0.0/24,2001:db8:1::/64
    registry: registry.example.net:5000
  delegate_to: localhost
"""

RETURN = r"""
manifest:
  description: What the file holds.
  returned: always
  type: dict
  contains:
    objects:
      description: Kind, namespace and name of every object in its order.
      type: list
      elements: dict
      sample: [{kind: DaemonSet, namespace: kube-system, name: calico-node}]
    edited:
      description: Those of them that differ from the published manifest.
      type: list
      elements: dict
    images:
      description: Every image that is named in it.
      type: list
      elements: str
      sample: ["quay.io/calico/node:v3.31.7"]
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.detectviz.infra.plugins.module_utils import _yaml_documents
from ansible_collections.detectviz.infra.plugins.module_utils._calico_manifest import (
    ENCAPSULATIONS,
    NFTABLES_MODE,
    read_wanted,
    transform,
)
from ansible_collections.detectviz.infra.plugins.module_utils._calico_workload import images_of
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

ARGUMENT_SPEC: dict[str, Any] = {
    "src": {"type": "path", "required": True},
    "dest": {"type": "path", "required": True},
    "pool_cidr": {"type": "list", "elements": "str"},
    "encapsulation": {"type": "str", "choices": list(ENCAPSULATIONS), "default": "vxlan"},
    "mtu": {"type": "int"},
    "address_detection": {"type": "str"},
    "registry": {"type": "str"},
    "dataplane": {"type": "str", "choices": sorted(NFTABLES_MODE)},
}


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InfraError(f"{path} is not text in UTF-8: {error}") from error


def _write(module: AnsibleModule, path: str, text: str) -> None:
    draft = os.path.join(module.tmpdir, "calico.yaml")
    with open(draft, "w", encoding="utf-8") as handle:
        handle.write(text)
    module.atomic_move(draft, path)


def _named(item: dict[str, Any]) -> dict[str, Any]:
    return {"kind": item["kind"], "namespace": item["metadata"].get("namespace"), "name": item["metadata"]["name"]}


def _run(module: AnsibleModule) -> dict[str, Any]:
    source, path = module.params["src"], module.params["dest"]
    wanted = read_wanted(module.params)
    published = _read(source)
    if published is None:
        raise InfraError(f"{source} does not exist: fetch the manifest of the Calico version first")
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise InfraError(f"The folder of {path} does not exist: make it first")
    documents = _yaml_documents.read_documents(published, source)
    edited = transform([document.value for document in documents], wanted)
    before, after = _read(path), _yaml_documents.write_documents(documents, edited)
    changed = before != after
    if changed and not module.check_mode:
        _write(module, path, after)
    if before is None and module.params["mode"] is None:
        module.params["mode"] = "0644"
    if os.path.exists(path):
        changed = module.set_fs_attributes_if_different(module.load_file_common_arguments(module.params), changed)
    objects = [edited.get(number, document.value) for number, document in enumerate(documents)]
    objects = [item for item in objects if item is not None]
    manifest = {
        "objects": [_named(item) for item in objects],
        "edited": [_named(item) for item in edited.values()],
        "images": images_of(objects),
    }
    diff = {"before": before or "", "after": after, "before_header": path, "after_header": path}
    return {"changed": changed, "manifest": manifest, "diff": diff}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, add_file_common_args=True, supports_check_mode=True)
    if _yaml_documents.yaml is None:
        module.fail_json(msg=missing_required_lib("PyYAML"))
    try:
        result = _run(module)
    except (InfraError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
