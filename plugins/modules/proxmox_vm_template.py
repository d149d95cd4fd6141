#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module for VM templates made from cloud images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_vm_template
author: The detectviz.infra authors (@detectviz)
short_description: Make a VM template from a cloud image, or verify one
version_added: 0.1.0
description:
  - Downloads a cloud image by its checksum, imports it into a VM with a cloud-init drive, a serial console and the
    guest agent enabled, and converts it into a template; on each node that is named.
  - A template that is already there is verified and never changed, whoever made it. SeaBIOS or i440fx are no fault, and a
    missing cloud-init drive is only told, as each clone is given one; a missing disk is a fault, as no clone would boot.
  - A half-made template that this module began is finished or made anew. Anything else that holds the id is left alone.
  - The cloud images of the distributions do not hold C(qemu-guest-agent). O(vendor_snippet) can install it at each
    first boot, or it is put into the image; the guide on preparing the host tells both.
extends_documentation_fragment:
  - detectviz.infra._proxmox
attributes:
  check_mode:
    description: Can run in check mode and says what it would do.
    support: full
  diff_mode:
    description: Shows the configuration before and after, without anything secret.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  name:
    description: Name of the template.
    type: str
    required: true
  vm_id:
    description: Id of the template. Required unless O(nodes) gives one per node.
    type: int
  node:
    description:
      - Node that has the template.
      - Without it and O(nodes), it is the node where the id already is, or the only node of the cluster.
    type: str
  nodes:
    description: Several nodes, each with the id of its own template. Ids are unique in a cluster.
    type: dict
  state:
    description: Whether the template shall be there. V(absent) removes only what this module made.
    type: str
    choices: [present, absent]
    default: present
  image:
    description: The cloud image. Without it a missing template is an error, and a present one is only verified.
    type: dict
    suboptions:
      url:
        description:
          - Where Proxmox downloads it from. With a fixed O(image.checksum), prefer an address that holds a date.
        type: str
        required: true
      checksum:
        description:
          - Checksum in the form V(sha256:...). The download is refused if it differs.
          - Or the https address of the list that the publisher keeps beside the image, such as
            V(sha256:https://cloud-images.ubuntu.com/noble/current/SHA256SUMS). The control machine reads it, and only
            when a template has to be made.
        type: str
        required: true
      filename:
        description:
          - Name of the file in the import storage, ending in C(.qcow2), C(.raw) or C(.vmdk).
          - By default made from the URL and the checksum, so that another image never has the same name.
        type: str
  storage:
    description: Storage of the disk, the EFI disk and the cloud-init drive. Required to make a template.
    type: str
  import_storage:
    description: Storage that the image is downloaded to; it must take content of type C(import).
    type: str
    default: local
  bios:
    description: Firmware of a template that is made.
    type: str
    choices: [ovmf, seabios]
    default: ovmf
  machine:
    description: Machine type of a template that is made.
    type: str
    default: q35
  cores:
    description: Cores of a template that is made. Clones have their own.
    type: int
    default: 2
  memory_mb:
    description: Memory in MiB of a template that is made. Clones have their own.
    type: int
    default: 2048
  cpu_type:
    description: CPU type of a template that is made. By default that of Proxmox.
    type: str
  arch:
    description:
      - Architecture of a template that is made. By default that of the node.
      - Proxmox lets only root@pam itself set it, never a token. V(aarch64) also needs O(machine=virt) and
        O(cloud_init_drive=scsi2).
    type: str
    choices: [x86_64, aarch64]
  scsi_controller:
    description: SCSI controller of a template that is made.
    type: str
    default: virtio-scsi-pci
  cloud_init_drive:
    description: Where the cloud-init drive is attached. Machines without IDE, such as those of aarch64, need V(scsi2).
    type: str
    default: ide2
  discard:
    description: Whether the disk hands freed blocks back to the storage.
    type: bool
    default: true
  bridge:
    description: Bridge of a network card. By default there is none, as clones bring their own.
    type: str
  pool:
    description: Pool that the template belongs to.
    type: str
  user:
    description: Login user that cloud-init makes, unless a clone says otherwise.
    type: str
  description:
    description: Text for the notes of the template.
    type: str
    default: ''
  vendor_snippet:
    description:
      - Volume of a cloud-init snippet on the node, such as V(local:snippets/agent.yml), that each first boot reads as
        vendor data beside what Proxmox makes. Guests of M(detectviz.infra.proxmox_vm_clone) have their own.
    type: str
  planned_content:
    description:
      - Types of content by storage, that earlier steps of the same run have planned and not set, because it is a check
        run. Without check mode this is passed over.
    type: dict
    default: {}
  timeout:
    description: Seconds for all steps on one node.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: The Ubuntu template is there
  detectviz.infra.proxmox_vm_template:
    name: ubuntu-2204-template
    vm_id: 9000
    storage: local-lvm
    image:
      url: https://cloud-images.ubuntu.com/jammy/20260101/jammy-server-cloudimg-amd64.img
      checksum: "{{ jammy_checksum }}"

- name: A template that somebody made is fit to be cloned
  detectviz.infra.proxmox_vm_template:
    name: debian-12
    nodes:
      pve1: 9001
      pve2: 9002
"""

RETURN = r"""
template:
  description: The template as it is after the run, or would be.
  returned: always
  type: dict
  contains:
    name: {description: Its name., type: str, sample: ubuntu-2204-template}
    nodes:
      description:
        - Per node C(node), C(vm_id), C(operations) (what was done, or would be), C(warnings) and C(config) (without
          anything secret).
      type: list
      elements: dict
"""

import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import ConnectionError as UrlError
from ansible.module_utils.urls import open_url
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._image_checksum import is_listed, resolve
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_args import (
    client_of,
    connection_argument_spec,
)
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._template_apply import apply_plan, observe
from ansible_collections.detectviz.infra.plugins.module_utils._template_plan import (
    TemplatePlan,
    plan_template,
    with_planned,
)
from ansible_collections.detectviz.infra.plugins.module_utils._template_spec import Image, TemplateSpec, parse_image

LIST_BYTES = 2**20
"""More than any publisher's list of checksums has."""

IMAGE_SPEC = {
    "url": {"type": "str", "required": True},
    "checksum": {"type": "str", "required": True},
    "filename": {"type": "str"},
}

SHAPE_OPTIONS = (
    "bios",
    "machine",
    "cores",
    "memory_mb",
    "cpu_type",
    "arch",
    "scsi_controller",
    "cloud_init_drive",
    "discard",
    "bridge",
    "pool",
    "user",
    "description",
    "vendor_snippet",
)


def argument_spec() -> dict[str, Any]:
    return {
        **connection_argument_spec(),
        "name": {"type": "str", "required": True},
        "vm_id": {"type": "int"},
        "node": {"type": "str"},
        "nodes": {"type": "dict"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "image": {"type": "dict", "options": IMAGE_SPEC},
        "storage": {"type": "str"},
        "import_storage": {"type": "str", "default": "local"},
        "bios": {"type": "str", "choices": ["ovmf", "seabios"], "default": "ovmf"},
        "machine": {"type": "str", "default": "q35"},
        "cores": {"type": "int", "default": 2},
        "memory_mb": {"type": "int", "default": 2048},
        "cpu_type": {"type": "str"},
        "arch": {"type": "str", "choices": ["x86_64", "aarch64"]},
        "scsi_controller": {"type": "str", "default": "virtio-scsi-pci"},
        "cloud_init_drive": {"type": "str", "default": "ide2"},
        "discard": {"type": "bool", "default": True},
        "bridge": {"type": "str"},
        "pool": {"type": "str"},
        "user": {"type": "str"},
        "description": {"type": "str", "default": ""},
        "vendor_snippet": {"type": "str"},
        "planned_content": {"type": "dict", "default": {}},
        "timeout": {"type": "int", "default": 1800},
    }


def _places(client: ProxmoxClient, params: dict[str, Any], resources: list[dict[str, Any]]) -> dict[str, int]:
    """Node → id. Raises InfraError when the node cannot be told, or what stands for its id is none."""
    if params["nodes"]:
        for node, vm_id in params["nodes"].items():
            if not re.fullmatch("[0-9]{3,9}", str(vm_id)):
                raise InfraError(f"nodes.{node}: {vm_id} is no id; write a number from 100 to 999999999")
        return {str(node): int(vm_id) for node, vm_id in params["nodes"].items()}
    vm_id = params["vm_id"]
    if params["node"]:
        return {params["node"]: vm_id}
    there = [str(row["node"]) for row in resources if int(row.get("vmid") or 0) == vm_id]
    if not there and params["state"] == "absent":
        return {}
    nodes = there or [str(row["node"]) for row in client.get("nodes")]
    if len(nodes) == 1:
        return {nodes[0]: vm_id}
    raise InfraError(
        f"template {params['name']} ({vm_id}) is not there yet, and the cluster has {len(nodes)} nodes "
        f"({', '.join(sorted(nodes))}): name the node, or nodes with one id each"
    )


def _specs(params: dict[str, Any], places: dict[str, int], image: Image | None) -> list[TemplateSpec]:
    shape = {key: params[key] for key in SHAPE_OPTIONS}
    storage = params["storage"] or ""
    return [
        TemplateSpec(params["name"], vm_id, node, storage, params["import_storage"], image, **shape)
        for node, vm_id in places.items()
    ]


def _image(params: dict[str, Any], places: dict[str, int], resources: list[dict[str, Any]]) -> Image | None:
    """The image, with the digest from the publisher's list where that is what the checksum names.

    Lists are read only when a template is missing: one that is there is verified without the publisher.
    """
    options = params["image"]
    if options and is_listed(options["checksum"]):
        made = {row["vmid"] for row in resources if row.get("template")}
        if params["state"] == "absent" or made.issuperset(places.values()):
            return None
        options = options | {"checksum": resolve(options["checksum"], options["url"], _fetch)}
    return parse_image(options)


def _fetch(address: str) -> str:
    try:
        with open_url(address, timeout=30) as answer:
            return answer.read(LIST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError, UrlError) as error:
        raise InfraError(
            f"the list of checksums {address} cannot be read: {error}; give the checksum itself as sha256:<digest>"
        ) from error


def _run(module: AnsibleModule) -> list[TemplatePlan]:
    """Plan all nodes, tell all problems at once, then act node by node."""
    params = module.params
    client = client_of(module)
    resources = client.get("cluster/resources", type="vm")
    places = _places(client, params, resources)
    specs = _specs(params, places, _image(params, places, resources))
    who = client.connection.identity
    planned = params["planned_content"] if module.check_mode else {}
    plans = [
        plan_template(spec, with_planned(observe(client, spec, resources), planned), params["state"], who)
        for spec in specs
    ]
    problems = [problem for plan in plans for problem in plan.problems]
    if problems:
        raise ProblemsError(f"Template {params['name']} cannot be used as it is; nothing was changed:", problems)
    for plan in plans:
        for warning in plan.warnings:
            module.warn(warning)
        if not module.check_mode:
            apply_plan(client, plan, params["timeout"])
    return plans


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        supports_check_mode=True,
        required_one_of=[["vm_id", "nodes"]],
        mutually_exclusive=[["nodes", "vm_id"], ["nodes", "node"]],
        required_by={"image": ["storage"]},
    )
    try:
        plans = _run(module)
    except InfraError as error:
        module.fail_json(msg=str(error))
    rows = [
        {
            "node": plan.spec.node,
            "vm_id": plan.spec.vm_id,
            "operations": plan.steps,
            "warnings": plan.warnings,
            "config": plan.after,
        }
        for plan in plans
    ]
    module.exit_json(
        changed=any(plan.steps for plan in plans),
        template={"name": module.params["name"], "nodes": rows},
        diff={
            "before": {plan.spec.node: plan.before for plan in plans},
            "after": {plan.spec.node: plan.after for plan in plans},
        },
    )


if __name__ == "__main__":
    main()
