# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a template plan needs from the API, and carries a plan out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock, Deadline, SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._task_watcher import TaskWatcher, at_work
from ansible_collections.detectviz.infra.plugins.module_utils._template_plan import (
    CONVERT,
    CREATE,
    DESTROY,
    DOWNLOAD,
    Observed,
    TemplatePlan,
)
from ansible_collections.detectviz.infra.plugins.module_utils._template_spec import (
    TemplateOptionError,
    TemplateSpec,
    create_parameters,
)
from ansible_collections.detectviz.infra.plugins.module_utils._vm_reader import id_is_free

LISTING_INTERVAL = 2
"""Seconds between two looks at the cluster's list."""


def observe(client: ProxmoxClient, spec: TemplateSpec, resources: Sequence[Mapping[str, Any]]) -> Observed:
    """What one node says about the id; ``resources`` are the rows of ``/cluster/resources?type=vm``.

    A finished template costs one request; only one that is still to be made costs the questions about storages.
    """
    resource = next((row for row in resources if int(row.get("vmid") or 0) == spec.vm_id), None)
    if resource is not None and (resource.get("type") != "qemu" or resource.get("node") != spec.node):
        return Observed(resource=resource)
    config, busy = None, None
    if resource is not None:
        config = client.get(f"nodes/{spec.node}/qemu/{spec.vm_id}/config")
        if int(config.get("template") or 0):
            return Observed(resource=resource, config=config)
        busy = _running_task(client, spec)
    elif not id_is_free(client, spec.vm_id):
        # The list hides guests that the token has no rights on; the id is taken all the same.
        return Observed(resource={"vmid": spec.vm_id, "type": "qemu", "node": "a node that this token may not see"})
    storages = {str(row["storage"]): row for row in client.get(f"nodes/{spec.node}/storage")}
    return Observed(resource, config, _import_volumes(client, spec, storages), storages, busy)


def _running_task(client: ProxmoxClient, spec: TemplateSpec) -> str | None:
    rows = client.get(f"nodes/{spec.node}/tasks", source="active", vmid=spec.vm_id)
    running = at_work(rows)
    return str(running[0].get("type")) if running else None


def _import_volumes(client: ProxmoxClient, spec: TemplateSpec, storages: Mapping[str, Any]) -> list[str]:
    row = storages.get(spec.import_storage)
    if spec.image is None or row is None or "import" not in str(row.get("content") or "").split(","):
        return []
    return [
        str(item["volid"])
        for item in client.get(f"nodes/{spec.node}/storage/{spec.import_storage}/content", content="import")
    ]


def apply_plan(client: ProxmoxClient, plan: TemplatePlan, timeout: int, clock: Clock | None = None) -> None:
    """Take the steps one by one, each a task that is waited for. ``timeout`` is in seconds, for all of them.

    Raises InfraError with template, step, task and its last log lines. What was made stays, carries the marker, and is
    finished or made anew by the next run.
    """
    clock = clock or SystemClock()
    spec = plan.spec
    label = f"template {spec.name} ({spec.vm_id}) on {spec.node}"
    deadline = Deadline.after(clock, timeout, label)
    watcher = TaskWatcher(client, spec.node, clock)
    for step in plan.steps:
        try:
            upid = _STEPS[step](client, spec)
            if upid:
                watcher.wait(str(upid), deadline)
        except InfraError as error:
            cause = str(error).removeprefix(f"{label}: ")
            way_on = "what was made is finished, or made anew, by the next run"
            raise InfraError(f"{label}: {step}: {cause}\n  {way_on}") from error
    if CONVERT in plan.steps:
        _wait_until_listed(client, spec, deadline)


def _wait_until_listed(client: ProxmoxClient, spec: TemplateSpec, deadline: Deadline) -> None:
    """The cluster's list learns of a fresh template some ten seconds late; a clone by name looks there."""
    while True:
        for row in client.get("cluster/resources", type="vm"):
            if (
                int(row.get("vmid") or 0) == spec.vm_id
                and int(row.get("template") or 0)
                and row.get("name") == spec.name
            ):
                return
        deadline.pause(LISTING_INTERVAL, "the cluster's list to show it as a template")


def _download(client: ProxmoxClient, spec: TemplateSpec) -> Any:
    if spec.image is None:
        raise TemplateOptionError(f"template {spec.name} ({spec.vm_id}) has no image to download")
    return client.post(
        f"nodes/{spec.node}/storage/{spec.import_storage}/download-url",
        url=spec.image.url,
        content="import",
        filename=spec.image.filename,
        checksum=spec.image.digest,
        **{"checksum-algorithm": spec.image.algorithm},
    )


def _create(client: ProxmoxClient, spec: TemplateSpec) -> Any:
    return client.post(f"nodes/{spec.node}/qemu", **create_parameters(spec))


def _convert(client: ProxmoxClient, spec: TemplateSpec) -> Any:
    return client.post(f"nodes/{spec.node}/qemu/{spec.vm_id}/template")


def _destroy(client: ProxmoxClient, spec: TemplateSpec) -> Any:
    return client.delete(f"nodes/{spec.node}/qemu/{spec.vm_id}", purge=1)


_STEPS = {DOWNLOAD: _download, CREATE: _create, CONVERT: _convert, DESTROY: _destroy}
