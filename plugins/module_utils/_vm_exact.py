# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is left to do on a guest is still part of the plan that somebody has read and saved. Pure."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._property_string import parse, parse_net, render
from ansible_collections.detectviz.infra.plugins.module_utils._vm_changes import NET_KEY, Change
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import DISK_KEY, storage_of
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import GuestPlan


def beyond(saved: GuestPlan, left: GuestPlan) -> list[str]:
    """What ``left`` holds and ``saved`` does not, each as a text; empty when all of it was planned."""
    known = {change.key: change for change in saved.changes()}
    texts = [step.text for step in left.steps if not step.changes and not saved.has(step.kind)]
    for change in left.changes():
        planned = known.get(change.key)
        if planned is None or _meaning(planned) != _meaning(change, beside=planned):
            texts.append(f"{change.key}: {change.before or '(none)'} -> {change.after or '(none)'}")
    return texts


def _meaning(change: Change, beside: Change | None = None) -> str:
    """What is sent, without what Proxmox chooses itself: a volume's name, and a MAC that was not ``beside`` it."""
    text = change.after if change.value is None else change.value
    if NET_KEY.match(change.key) and text:
        net = parse_net(text)
        if beside is not None and "macaddr" not in parse_net(beside.after):
            net.pop("macaddr", None)
        return render(dict(sorted(net.items())))
    if DISK_KEY.match(change.key) and text:
        disk = {**parse(text, "file"), "file": storage_of(text)}
        disk.pop("size", None)
        return render(dict(sorted(disk.items())))
    return text
