# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done for a template on one node, given what was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _template_shape as shape
from ansible_collections.detectviz.infra.plugins.module_utils._template_spec import (
    TemplateSpec,
    image_volume,
    is_ours,
    resulting_config,
)

DOWNLOAD, CREATE, CONVERT, DESTROY = "download", "create", "convert", "destroy"


@dataclass(frozen=True)
class Observed:
    """What one node says.

    ``resource`` is the row of ``/cluster/resources`` that holds the id, or None; ``config`` its configuration, None if
    there is no VM or it may not be read; ``import_volumes`` the volume ids in the import storage; ``storages`` the rows
    of ``/nodes/{node}/storage`` by name; ``busy`` names a running task on the id.
    """

    resource: Mapping[str, Any] | None = None
    config: Mapping[str, Any] | None = None
    import_volumes: Sequence[str] = ()
    storages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    busy: str | None = None


def with_planned(seen: Observed, content: Mapping[str, Sequence[str]]) -> Observed:
    """What the node will say once its storages take ``content`` too ({storage: types})."""
    storages = {
        name: {**row, "content": ",".join([*str(row.get("content") or "").split(","), *content.get(name, ())])}
        for name, row in seen.storages.items()
    }
    return replace(seen, storages=storages)


@dataclass(frozen=True)
class TemplatePlan:
    """``steps`` in order; with ``problems`` none may be taken. ``before`` and ``after`` are for the diff."""

    spec: TemplateSpec
    steps: list[str]
    problems: list[str]
    warnings: list[str]
    before: dict[str, Any]
    after: dict[str, Any]


def plan_template(spec: TemplateSpec, seen: Observed, state: str = "present", identity: str = "") -> TemplatePlan:
    """Steps that bring one node to ``state``. ``identity`` is who asks, such as ``root@pam`` or ``ops@pve!plan``."""
    label = f"VM template {spec.name} ({spec.vm_id}) on {spec.node}"
    foreign = _foreign_holder(spec, seen)
    if foreign:
        return _plan(spec, seen, [], [foreign])
    if state == "absent":
        return _plan_removal(spec, seen, label)
    if seen.config is not None:
        return _plan_existing(spec, seen, label, identity)
    return _plan_new(spec, seen, [], identity)


def _foreign_holder(spec: TemplateSpec, seen: Observed) -> str | None:
    """The id belongs to something that cannot be this template."""
    row = seen.resource
    if row is None:
        return None
    if row.get("type") not in (None, "qemu"):
        return f"id {spec.vm_id} is a container on {row.get('node')}, not a template: choose another vm_id"
    if row.get("node") and row["node"] != spec.node:
        return (
            f"VM template {spec.vm_id} is not on {spec.node}; it is on {row['node']}: name that node, or use another "
            f"id for {spec.node}"
        )
    return None


def _plan_existing(spec: TemplateSpec, seen: Observed, label: str, identity: str) -> TemplatePlan:
    config = seen.config or {}
    ours = is_ours(config, spec.vm_id)
    if seen.busy:
        return _plan(spec, seen, [], [f"{label}: {seen.busy} is still running; wait for it, then run again"])
    found = shape.findings(config, label)
    problems = [finding.text for finding in found if finding.fatal]
    warnings = [finding.text for finding in found if not finding.fatal]
    if config.get("name") and config["name"] != spec.name:
        problems.append(
            f"id {spec.vm_id} on {spec.node} is named {config['name']!r}, not {spec.name!r}: check vm_id and name"
        )
    if shape.describe(config)["is_template"]:
        # Never rebuilt in place: guests may have been cloned from it. A new image is a new template id.
        return _plan(spec, seen, [], problems, warnings)
    if config.get("lock"):
        return _plan(
            spec,
            seen,
            [],
            [
                f"VM {spec.vm_id} on {spec.node} is locked ({config['lock']}) and no task runs: an earlier run was "
                f"killed. On the host: qm unlock {spec.vm_id}; then run again"
            ],
        )
    if not ours:
        return _plan(
            spec,
            seen,
            [],
            [
                f"VM {spec.vm_id} on {spec.node} ({config.get('name')}) is no template and was not made by this "
                "collection: convert it yourself if it is meant, or choose another vm_id"
            ],
        )
    if not problems:
        return _plan(spec, seen, [CONVERT], [], warnings)
    return _plan_new(spec, seen, [DESTROY], identity)


def _plan_new(spec: TemplateSpec, seen: Observed, first: list[str], identity: str) -> TemplatePlan:
    problems = _storage_problems(spec, seen) + _architecture_problems(spec, identity)
    volume = image_volume(spec)
    if volume is None:
        problems.append(
            f"VM template {spec.name} ({spec.vm_id}) is not on {spec.node}, and the site gives no image for it: add "
            "image.url and image.checksum, or correct vm_id or node"
        )
    download = [] if volume is None or volume in seen.import_volumes else [DOWNLOAD]
    return _plan(spec, seen, [] if problems else [*first, *download, CREATE, CONVERT], problems)


def _architecture_problems(spec: TemplateSpec, identity: str) -> list[str]:
    """What Proxmox would refuse only after the image was fetched."""
    label = f"VM template {spec.name} ({spec.vm_id}) on {spec.node}"
    problems = []
    if spec.arch and identity != "root@pam":
        problems.append(
            f"{label}: Proxmox lets only root@pam itself, with its password, set arch, and this is "
            f"{identity or 'not it'}. Leave arch out where it is the node's own; else make this template once as "
            f"root@pam, or have root run `qm set {spec.vm_id} --arch {spec.arch}` on one that is made by hand. "
            "Its clones have it from there"
        )
    if spec.arch == "aarch64" and spec.cloud_init_drive.startswith(("ide", "sata")):
        problems.append(f"{label}: aarch64 has no {spec.cloud_init_drive}; set cloud_init_drive: scsi2")
    if spec.arch == "aarch64" and not spec.machine.startswith("virt"):
        problems.append(f"{label}: aarch64 has no machine {spec.machine}; set machine: virt")
    return problems


def _storage_problems(spec: TemplateSpec, seen: Observed) -> list[str]:
    """Storages that are missing, inactive, or do not take what would be put there."""
    wanted: dict[str, list[str]] = {}
    wanted.setdefault(spec.storage, []).append("images")
    if spec.image:
        wanted.setdefault(spec.import_storage, []).append("import")
    problems = []
    for name, contents in wanted.items():
        row = seen.storages.get(name)
        if row is None:
            problems.append(
                f"storage {name} is not on node {spec.node}, or the token may not see it (Datastore.Audit on "
                f"/storage/{name}); there are: {', '.join(sorted(seen.storages)) or 'none'}"
            )
            continue
        if not int(row.get("active", 1)):
            problems.append(f"storage {name} on {spec.node} is not active")
        have = str(row.get("content") or "").split(",")
        for content in contents:
            if content not in have:
                problems.append(
                    f"storage {name} on {spec.node} does not take content {content!r} (it takes {row.get('content')}): "
                    f"on the host, pvesm set {name} --content {','.join([*have, content])}; or name another storage"
                )
    return problems


def _plan_removal(spec: TemplateSpec, seen: Observed, label: str) -> TemplatePlan:
    if seen.config is None:
        return _plan(spec, seen, [], [])
    if not is_ours(seen.config, spec.vm_id):
        return _plan(spec, seen, [], [f"{label} was not made by this collection: it is never removed"])
    return _plan(spec, seen, [DESTROY], [])


def _plan(
    spec: TemplateSpec, seen: Observed, steps: list[str], problems: list[str], warnings: Sequence[str] = ()
) -> TemplatePlan:
    before = _diff_view(seen.config) if seen.config is not None else {}
    after = dict(before)
    if CREATE in steps:
        after = _diff_view(resulting_config(spec))
    elif CONVERT in steps:
        after["template"] = 1
    elif DESTROY in steps:
        after = {}
    return TemplatePlan(spec, steps, problems, list(warnings), before, after)


def _diff_view(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without what only Proxmox makes, and without anything secret."""
    hidden = ("digest", "cipassword", "sshkeys", "vmgenid", "smbios1", "meta", "vmid")
    return {key: value for key, value in sorted(config.items()) if key not in hidden}
