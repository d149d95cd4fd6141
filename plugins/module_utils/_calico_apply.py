# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-side apply of Calico's objects: read, check everything, try on the server, then change.

Nothing is applied before every object has passed a dry run, so that a refusal leaves the cluster as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._calico_api import ServedApi, find_api
from ansible_collections.detectviz.infra.plugins.module_utils._calico_rules import (
    FELIX,
    MARK_MASKS,
    POOL,
    Wanted,
    explanations,
    pool_problems,
    without_unwritable_mask,
)
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._crd_schema import check_spec
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_api import KubeApi, KubeError
from ansible_collections.detectviz.infra.plugins.module_utils._server_side_apply import applied_view, conflicts_of, tidy


@dataclass
class Outcome:
    """What was done, or in check mode would be. ``before`` and ``after`` hold what differs, by object."""

    api_version: str
    objects: list[tuple[Wanted, dict[str, Any]]] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    restarts_felix: bool = False
    explanations: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Step:
    """One object: as it is (None if absent), and as the server says that it will be."""

    wanted: Wanted
    body: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any]
    force: bool


def apply_objects(
    api: KubeApi,
    wanted: Sequence[Wanted],
    deadline: Deadline,
    force: bool = False,
    take_over: Collection[str] = (),
    check_mode: bool = False,
) -> Outcome:
    """Converges all objects. ``take_over`` names managers whose fields are taken without asking. Raises InfraError."""
    served = find_api(api, [item.kind for item in wanted], deadline, wait=not check_mode)
    outcome = Outcome(served.api_version)
    if wanted and not served.schemas:
        _plan_unseen(wanted, outcome)
        return outcome
    checked, notes = check_values(wanted, served.schemas)
    outcome.explanations += notes
    _check_pools(api, served, checked)
    steps = _dry_run(api, served, checked, force, set(take_over))
    _refuse_foreign_masks(wanted, steps)
    for step in steps:
        before, after = applied_view(step.before, api.manager), applied_view(step.after, api.manager)
        final = step.after if step.before is None else step.before
        if before != after:
            final = step.after if check_mode else api.apply(_path(served, step.wanted), step.body, step.force)
            outcome.before[step.wanted.title], outcome.after[step.wanted.title] = before, after
            old, new = before.get("spec"), after.get("spec") or {}
            outcome.explanations += explanations(step.wanted, old, new)
            outcome.restarts_felix |= step.wanted.kind == FELIX and old != new
        outcome.objects.append((step.wanted, tidy(final)))
    return outcome


def check_values(
    wanted: Sequence[Wanted], schemas: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Wanted], list[str]]:
    """The objects with values of the schema's types, and notes. Raises ProblemsError with every problem."""
    checked, notes, problems = [], [], []
    for item in wanted:
        # An object that is there need not be told again what it must have; the server knows.
        schema = {key: value for key, value in schemas[item.kind].items() if key != "required"}
        spec, found = check_spec(item.spec, schema, item.option)
        problems += found
        if item.kind == FELIX:
            spec, told, found = without_unwritable_mask(spec, schema, item.option)
            problems += found
            notes += told
        checked.append(Wanted(item.kind, item.name, spec, item.option))
    if problems:
        raise ProblemsError("Calico would not take these values; nothing was changed:", problems)
    return checked, notes


def _plan_unseen(wanted: Sequence[Wanted], outcome: Outcome) -> None:
    """Check mode before Calico is there: everything would be new, and nothing can be tried."""
    outcome.explanations.append("Calico's definitions are not in the cluster yet: the values could not be checked")
    for item in wanted:
        outcome.before[item.title], outcome.after[item.title] = {}, {"spec": dict(item.spec)}
        body = {"kind": item.kind, "metadata": {"name": item.name}, "spec": dict(item.spec)}
        outcome.objects.append((item, body))
        outcome.restarts_felix |= item.kind == FELIX


def _check_pools(api: KubeApi, served: ServedApi, wanted: Sequence[Wanted]) -> None:
    if any(item.kind == POOL for item in wanted):
        problems = pool_problems(wanted, api.items(served.path(POOL)))
        if problems:
            raise ProblemsError("These pools cannot be had; nothing was changed:", problems)


def _dry_run(
    api: KubeApi, served: ServedApi, wanted: Sequence[Wanted], force: bool, take_over: set[str]
) -> list[Step]:
    steps, conflicts = [], []
    for item in wanted:
        path = _path(served, item)
        body = {
            "apiVersion": served.api_version,
            "kind": item.kind,
            "metadata": {"name": item.name},
            "spec": dict(item.spec),
        }
        before = api.find(path)
        try:
            after, forced = _try(api, path, body, force, take_over)
        except KubeError as error:
            found = conflicts_of(error.causes)
            if not found:
                raise InfraError(f"{item.title}: {error}") from error
            conflicts += [
                f"{item.title}: {conflict.field}{_value_text(before, conflict.field)} is managed by {conflict.manager}"
                for conflict in found
            ]
            continue
        steps.append(Step(item, body, before, after, forced))
    if conflicts:
        raise ProblemsError(
            "Others manage these fields with other values; nothing was changed. Leave the fields to them, name the "
            "managers in take_over_from, or set force: true:",
            conflicts,
        )
    return steps


def _value_text(item: Mapping[str, Any] | None, path: str) -> str:
    """The value at a path such as spec.vxlanMTU, in brackets; nothing for paths into lists."""
    value: Any = item
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return ""
        value = value[key]
    return f" ({value})"


def _try(
    api: KubeApi, path: str, body: dict[str, Any], force: bool, take_over: set[str]
) -> tuple[dict[str, Any], bool]:
    try:
        return api.apply(path, body, force, dry_run=True), force
    except KubeError as error:
        managers = {conflict.manager for conflict in conflicts_of(error.causes)}
        if not managers or not managers <= take_over:
            raise
        return api.apply(path, body, force=True, dry_run=True), True


def _refuse_foreign_masks(wanted: Sequence[Wanted], steps: Sequence[Step]) -> None:
    """A mask that was left out to get Felix' default is not had while somebody else's value stays."""
    problems = []
    for item, step in zip(wanted, steps):
        kept = step.after.get("spec") or {}
        problems += [
            f"{item.title}: {name} is {kept[name]:#x} in the cluster, set by another manager; remove it there to get "
            f"Felix' default"
            for name in MARK_MASKS
            if item.spec.get(name) is not None and name not in step.wanted.spec and name in kept
        ]
    if problems:
        raise ProblemsError("Nothing was changed:", problems)


def _path(served: ServedApi, item: Wanted) -> str:
    return served.path(item.kind, item.name)
