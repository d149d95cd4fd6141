# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose guest holds an id, and whether it may be worked on. Pure."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils import _vm_ownership as marks
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import GuestPlan, Options


def check_identity(plan: GuestPlan, guest: Guest, observed: Observed, options: Options) -> marks.Ownership:
    """Refuses whatever the id must not be; returns whose guest it is."""
    if observed.kind != "qemu":
        plan.refusals.append(f"{guest.label}: id {guest.vm_id} is a container on {observed.node}; choose another vm_id")
        return marks.Ownership.FOREIGN
    if observed.template:
        plan.refusals.append(f"{guest.label}: id {guest.vm_id} is a template on {observed.node}; choose another vm_id")
        return marks.Ownership.FOREIGN
    if observed.lock == "clone":
        plan.refusals.append(
            f"{guest.label}: is just being cloned, or an interrupted clone left it like this (lock: clone). If no clone "
            f"task runs on {observed.node}, have root there run `qm unlock {guest.vm_id} && qm destroy {guest.vm_id}`, "
            f"then run again"
        )
        return marks.Ownership.FOREIGN
    description = (observed.config or {}).get("description")
    owner = marks.ownership(options.site, guest.vm_id, observed.tags, description)
    if owner is not marks.Ownership.FOREIGN:
        return owner
    why = marks.explain_foreign(options.site, guest.vm_id, observed.tags, description)
    other_site = [tag for tag in observed.tags if tag.startswith(marks.SITE_TAG)]
    if options.state == "absent":
        plan.refusals.append(
            f"{guest.label}: id {guest.vm_id} on {observed.node} is not of site {options.site}: {why}. "
            f"It is not destroyed; take it out of the list"
        )
    elif guest.vm_id not in options.adopt:
        plan.refusals.append(
            f"{guest.label}: id {guest.vm_id} on {observed.node} is the guest {observed.name or '(no name yet)'!r}, "
            f"which is not of site {options.site}: {why}. Choose another vm_id, or take it over by adopt"
        )
    elif other_site and other_site != [marks.site_tag(options.site)]:
        plan.refusals.append(f"{guest.label}: cannot be adopted: {why}; remove that tag by hand first")
    return owner
