# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of one guest: observed + desired -> ordered steps with before and after. Pure: nothing is asked or sent."""

from __future__ import annotations

from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _vm_ownership as marks
from ansible_collections.detectviz.infra.plugins.module_utils._property_string import parse_net, render_net
from ansible_collections.detectviz.infra.plugins.module_utils._sizes import GIB
from ansible_collections.detectviz.infra.plugins.module_utils._vm_changes import (
    IN_PLACE,
    NEXT_BOOT,
    REBOOT,
    Change,
    Difference,
    compare_options,
)
from ansible_collections.detectviz.infra.plugins.module_utils._vm_disks import compare_disks
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_identity import check_identity
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import (
    Observed,
    size_of,
    storage_of,
    system_disk,
)
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import GuestPlan, Options, Step, Template

SHUTDOWN_SECONDS = 120
# A change without allocation is done in a moment: Proxmox may answer when it is done, which saves a poll.
BACKGROUND_DELAY = 5
# Stands in a plan for the moment when it is carried out, so that a plan made twice is the same.
SEED_NOW = "seed=now"
# pvestatd refreshes uptime every 10 s; a guest that started within that time of a change is taken to have read it.
UPTIME_LAG = 15


def plan_guest(guest: Guest, observed: Observed | None, template: Template | None, options: Options) -> GuestPlan:
    """The plan of one guest. ``observed`` is None where the id is free; then ``template`` has to be given."""
    if observed is None:
        plan = GuestPlan(guest.vm_id, guest.name, guest.node, exists=False)
        if options.state != "absent":
            if template is None:
                raise ValueError("a guest that does not exist needs its template")
            _plan_create(plan, guest, template, options)
        return plan
    plan = GuestPlan(guest.vm_id, guest.name, observed.node, exists=True, ha_managed=observed.ha_managed)
    owner = check_identity(plan, guest, observed, options)
    if plan.refusals:
        return plan
    if options.state == "absent":
        _plan_absent(plan, guest, observed)
    elif guest.vm_id in options.adopt and owner is marks.Ownership.FOREIGN:
        _plan_adopt(plan, guest, observed, options)
    else:
        _plan_converge(plan, guest, observed, options, fresh=owner is marks.Ownership.UNFINISHED)
    if plan.steps and observed.lock:
        plan.refusals.append(
            f"{guest.label}: is locked ({observed.lock}) and no task of ours explains it; wait until it ends, or have "
            f"root look at it (`qm unlock {guest.vm_id}` on {observed.node}), then run again"
        )
    return plan


def fast_equal(guest: Guest, observed: Observed, options: Options) -> bool:
    """Whether the row of the cluster list alone says that nothing has to be done (``verify: fast``).

    It sees our tags, the power state, CPUs, memory and the size of the boot disk; not manual edits of anything else.
    """
    if observed.kind != "qemu" or observed.template or observed.lock:
        return False
    if marks.site_tag(options.site) not in observed.tags or marks.state_tag(observed.tags) != _state_tag(guest):
        return False
    if observed.running != (options.state == "started") and options.state != "present":
        return False
    cores = int(guest.keys.get("cores", 0)) * int(guest.keys.get("sockets", 1))
    memory = int(guest.keys["memory"]["current"]) * 1024**2 if "memory" in guest.keys else 0
    size = (guest.disks[0].size_gb or 0) * GIB if guest.disks else 0
    return (
        (not cores or not observed.cores or cores == observed.cores)
        and (not memory or not observed.memory or memory == observed.memory)
        and (not size or not observed.disk or size == observed.disk)
    )


def _state_tag(guest: Guest) -> str:
    return f"{marks.HASH_TAG}{guest.digest}"


def _path(observed_node: str, vm_id: int, tail: str) -> str:
    return f"nodes/{observed_node}/qemu/{vm_id}{tail}"


def _plan_create(plan: GuestPlan, guest: Guest, template: Template, options: Options) -> None:
    line = marks.marker_line(options.site, guest.vm_id, {"template": str(template.vm_id), **marks.CLONED})
    description = marks.with_marker(guest.description or "", line)
    data: dict[str, Any] = {"newid": guest.vm_id, "name": guest.name, "description": description}
    if template.full:
        data["full"] = 1
        if template.storage:
            data["storage"] = template.storage
    if guest.pool:
        data["pool"] = guest.pool
    if template.target:
        data["target"] = template.target
    how = "full" if template.full else "linked"
    plan.steps.append(
        Step(
            "clone",
            f"clone template {template.vm_id} ({how}) on {guest.node}",
            "POST",
            _path(template.node, template.vm_id, "/clone"),
            data,
            (Change("vm", "", f"{how} clone of {template.vm_id}", None),),
        )
    )
    config = _as_cloned(template.config, guest, description, template.storage)
    _plan_options(plan, guest, config, options, fresh=True, running=False, digest="", from_template=True)
    if options.state == "started":
        plan.steps.append(Step("start", "start"))


def _as_cloned(config: dict[str, str], guest: Guest, description: str, storage: str | None) -> dict[str, str]:
    """The configuration that the clone will have, as far as it can be known: new MACs, our name and description."""
    result = {key: value for key, value in config.items() if key not in ("template", "vmgenid", "smbios1", "digest")}
    for key, value in result.items():
        if key.startswith("net"):
            result[key] = render_net({name: text for name, text in parse_net(value).items() if name != "macaddr"})
    boot = system_disk(result)
    if storage and boot:
        result[boot] = f"{storage}:" + result[boot].partition(":")[2]
    return {**result, "name": guest.name, "description": description}


def _plan_converge(plan: GuestPlan, guest: Guest, observed: Observed, options: Options, fresh: bool) -> None:
    config = observed.config or {}
    marker = marks.read_marker(config.get("description"))
    if guest.node != observed.node:
        plan.notes.append(
            f"{guest.label}: runs on {observed.node}, the table says {guest.node}; accepted where it is "
            f"(to move it: `qm migrate {guest.vm_id} {guest.node} --online` on {observed.node})"
        )
    wanted = guest.template
    if isinstance(wanted, int) and marker.get("template") not in (None, str(wanted)):
        plan.notes.append(
            f"{guest.label}: was made from template {marker['template']}, the table says {wanted}; needs replacement: "
            f"run with state absent for this guest alone, then started. Nothing was done"
        )
    _plan_options(
        plan, guest, config, options, fresh, observed.running, observed.digest, from_template=False, marker=marker
    )
    if guest.pool and observed.pool != guest.pool:
        plan.steps.append(
            Step(
                "config",
                f"put into pool {guest.pool}",
                "PUT",
                "pools",
                {"poolid": guest.pool, "vms": str(guest.vm_id), "allow-move": 1},
                (Change("pool", observed.pool, guest.pool, guest.pool),),
            )
        )
    _plan_power(plan, observed, options, marker)


def _plan_power(plan: GuestPlan, observed: Observed, options: Options, marker: dict[str, str]) -> None:
    changes = plan.changes()
    keys = set(observed.pending) | {change.key for change in changes if change.effect in (REBOOT, NEXT_BOOT)}
    if not observed.running:
        if options.state == "started":
            plan.steps.append(Step("start", "start"))
        return
    if options.state == "stopped":
        plan.steps.append(_shutdown(plan, force=False))
        return
    seed = int(marker.get("seed", "0")) if marker.get("seed", "0").isdigit() else 0
    if seed and options.now - observed.uptime + UPTIME_LAG < seed:
        keys.add("cloud-init")
    plan.reboot_keys = tuple(sorted(keys))
    plan.reboot_required = bool(keys)
    if keys and options.reboot:
        plan.steps.append(
            Step(
                "reboot",
                f"reboot for {', '.join(plan.reboot_keys)}",
                "POST",
                _path(plan.node, plan.vm_id, "/status/reboot"),
                {},
                (Change("reboot", "", ", ".join(plan.reboot_keys), None),),
            )
        )


def _shutdown(plan: GuestPlan, force: bool) -> Step:
    """Asks the guest to shut down; one that will be destroyed is stopped when it does not."""
    path = _path(plan.node, plan.vm_id, "/status/shutdown")
    return Step("shutdown", "shut down", "POST", path, {"timeout": SHUTDOWN_SECONDS, "forceStop": int(force)})


def _plan_options(
    plan: GuestPlan,
    guest: Guest,
    config: dict[str, str],
    options: Options,
    fresh: bool,
    running: bool,
    digest: str,
    from_template: bool,
    marker: dict[str, str] | None = None,
) -> None:
    """Configuration and disk sizes of a guest that is there, or will be after its clone."""
    difference = Difference(changes=compare_options(guest, config, fresh, running))
    _firmware(guest, config, difference)
    compare_disks(guest, config, from_template, running, difference)
    for_boot = running and any(change.effect == NEXT_BOOT for change in difference.changes)
    difference.changes += _marker_changes(guest, config, options, fresh, for_boot, marker or {})
    plan.refusals += difference.refusals
    plan.notes += difference.notes
    plan.replan_after_clone = difference.needs_volume
    if difference.changes:
        plan.steps.append(_config_step(plan, difference, digest))
    if for_boot:
        plan.steps.append(
            Step("cloudinit", "renew cloud-init data", "PUT", _path(plan.node, guest.vm_id, "/cloudinit"))
        )
    for key, size_gb in difference.resizes:
        before = config[key]
        plan.steps.append(
            Step(
                "resize",
                f"grow {key} to {size_gb} GiB",
                "PUT",
                _path(plan.node, guest.vm_id, "/resize"),
                {"disk": key, "size": f"{size_gb}G"},
                (Change(f"{key} size", _gib(before), f"{size_gb}G", f"{size_gb}G"),),
            )
        )


def _gib(value: str) -> str:
    size = size_of(value)
    return f"{size / GIB:g}G" if size else ""


def _config_step(plan: GuestPlan, difference: Difference, digest: str) -> Step:
    data: dict[str, Any] = {change.key: change.value for change in difference.changes if change.value is not None}
    deleted = [change.key for change in difference.changes if change.value is None and not change.after]
    if deleted:
        data["delete"] = ",".join(sorted(deleted))
    if digest:
        data["digest"] = digest
    if not difference.allocates:
        data["background_delay"] = BACKGROUND_DELAY
    text = "configure " + ", ".join(change.key for change in difference.changes)
    path = _path(plan.node, plan.vm_id, "/config")
    return Step("config", text, "POST", path, data, tuple(difference.changes))


def _firmware(guest: Guest, config: dict[str, str], difference: Difference) -> None:
    """OVMF keeps its settings on a small disk of its own; a template without one gets it with the change."""
    if guest.keys.get("bios") == "ovmf" and "efidisk0" not in config:
        boot = system_disk(config)
        storage = guest.storage or (storage_of(config[boot]) if boot else "local")
        value = f"{storage}:1,efitype=4m,pre-enrolled-keys=0"
        difference.changes.append(Change("efidisk0", "", value, value, IN_PLACE))
        difference.allocates = True
    if guest.arch and guest.arch != config.get("arch", "x86_64"):
        difference.refusals.append(
            f"{guest.label}: the table wants {guest.arch}, its template or guest is {config.get('arch', 'x86_64')}; "
            f"give a template of that architecture"
        )


def _marker_changes(
    guest: Guest, config: dict[str, str], options: Options, fresh: bool, for_boot: bool, marker: dict[str, str]
) -> list[Change]:
    """Tags and description: ours always, the user's when the table speaks of them."""
    present = marks.split_tags(config.get("tags"))
    if guest.tags is not None:
        others = set(guest.tags)
    else:
        others = set() if fresh else {tag for tag in present if not marks.is_own_tag(tag)}
    tags = sorted(others | {marks.site_tag(options.site), _state_tag(guest)})
    changes = []
    if tags != present:
        changes.append(Change("tags", ";".join(present), ";".join(tags), ";".join(tags)))
    own = config.get("description", "")
    known = marker or marks.read_marker(own)
    facts = {key: value for key, value in known.items() if key not in ("site", "guest", *marks.CLONED)}
    if for_boot:
        facts.update([SEED_NOW.split("=")])
    text = guest.description if guest.description is not None else marks.without_marker(own)
    wanted = marks.with_marker(text, marks.marker_line(options.site, guest.vm_id, facts))
    if wanted.strip() != own.strip():
        changes.append(Change("description", own.strip(), wanted, wanted))
    return changes


def _plan_adopt(plan: GuestPlan, guest: Guest, observed: Observed, options: Options) -> None:
    """Writes the marker and nothing more; what the next run would change is said."""
    config = observed.config or {}
    own = config.get("description", "")
    line = marks.marker_line(options.site, guest.vm_id, {})
    description = marks.with_marker(marks.without_marker(own), line)
    tags = sorted({tag for tag in observed.tags if not marks.is_own_tag(tag)} | {marks.site_tag(options.site)})
    changes = [
        Change("tags", ";".join(observed.tags), ";".join(tags), ";".join(tags)),
        Change("description", own.strip(), description, description),
    ]
    later = GuestPlan(guest.vm_id, guest.name, observed.node, exists=True)
    after = {**config, "tags": ";".join(tags), "description": description}
    _plan_options(later, guest, after, options, False, observed.running, "", from_template=False)
    for change in later.changes():
        if change.key not in ("tags", "description"):
            plan.notes.append(
                f"{guest.label}: the next run would set {change.key}: {change.before or '(none)'} -> "
                f"{change.after or '(none)'} ({change.effect})"
            )
    plan.notes += [f"{text} (the next run will refuse it)" for text in later.refusals]
    plan.steps.append(_config_step(plan, Difference(changes=changes), observed.digest))


def _plan_absent(plan: GuestPlan, guest: Guest, observed: Observed) -> None:
    if (observed.config or {}).get("protection") == "1":
        plan.refusals.append(
            f"{guest.label}: is protected; set protection: false for it, run with state present, then destroy it"
        )
        return
    if observed.running:
        plan.steps.append(_shutdown(plan, force=True))
    plan.steps.append(
        Step(
            "destroy",
            f"destroy on {observed.node} with all its disks",
            "DELETE",
            _path(plan.node, plan.vm_id, ""),
            {"purge": 1},
            (Change("vm", f"{observed.name} on {observed.node}", "", None),),
        )
    )
