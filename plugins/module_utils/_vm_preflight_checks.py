# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks before the first write, on what was read: each returns its problems, none stops at the first."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._property_string import parse_net
from ansible_collections.detectviz.infra.plugins.module_utils._pve_permissions import Permissions
from ansible_collections.detectviz.infra.plugins.module_utils._sizes import GIB, human
from ansible_collections.detectviz.infra.plugins.module_utils._vm_changes import NET_KEY
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed, storage_of, system_disk
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import Template

OLDEST = (8, 0)
DEFAULT_MTU = 1500
# Storages that take the whole size of a disk at once; the others grow as the guest writes.
THICK = {"lvm", "iscsi", "iscsidirect"}
_CONFIG = ("Disk", "CPU", "Memory", "Network", "Cloudinit", "Options", "HWType", "CDROM")

Creation = tuple[Guest, Template]


def check_version(version: str) -> list[str]:
    """Proxmox VE 8 and newer."""
    numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:2] if part.isdigit())
    if numbers and numbers < OLDEST:
        return [f"Proxmox VE {version} is too old; {OLDEST[0]}.{OLDEST[1]} or newer is needed"]
    return []


def agent_privilege(version: str) -> str:
    """What lets a token read a file through the guest agent. Proxmox VE 8 has one privilege for all of the monitor."""
    major = version.partition(".")[0]
    return "VM.Monitor" if major.isdigit() and int(major) < 9 else "VM.GuestAgent.FileRead"


def check_nodes(names: set[str], rows: list[dict[str, Any]]) -> list[str]:
    """Every node is a member of the cluster and online."""
    status = {str(row.get("node")): str(row.get("status")) for row in rows}
    problems = []
    for name in sorted(names):
        if name not in status:
            problems.append(
                f"node {name} does not exist; the cluster has {', '.join(sorted(status)) or 'none that we see'}"
            )
        elif status[name] == "offline":
            problems.append(f"node {name} is offline; start it, or take its guests out of this run")
    return problems


def check_template_nodes(chosen: list[tuple[Guest, Observed]], online: set[str]) -> list[str]:
    """No template is on another node than its guest's that is offline; of the guests' own nodes check_nodes tells."""
    users: dict[tuple[int, str], list[Guest]] = defaultdict(list)
    for guest, row in chosen:
        if row.node not in online and row.node != guest.node:
            users[(row.vm_id, row.node)].append(guest)
    return [
        f"template {vm_id} is on {node}, which is offline; start it, or name one on "
        f"{' and '.join(sorted({guest.node for guest in guests}))} (needed by {listed([guest.name for guest in guests])})"
        for (vm_id, node), guests in sorted(users.items())
    ]


def wanted_storages(creations: list[Creation]) -> dict[tuple[str, str], int]:
    """``{(node, storage): GiB}`` that new guests take."""
    result: dict[tuple[str, str], int] = defaultdict(int)
    for guest, template in creations:
        boot = system_disk(template.config)
        default = template.storage or (storage_of(template.config[boot]) if boot else "")
        for number, disk in enumerate(guest.disks):
            storage = default if number == 0 else disk.storage or guest.storage or default
            result[(guest.node, storage)] += disk.size_gb or 0
        if not guest.disks:
            result[(guest.node, default)] += 0
    return dict(result)


def check_storages(
    wanted: dict[tuple[str, str], int], present: dict[str, dict[str, dict[str, Any]]]
) -> tuple[list[str], list[str]]:
    """Problems and warnings. ``present`` is ``{node: {storage: row}}``."""
    problems, warnings = [], []
    for (node, name), size_gb in sorted(wanted.items()):
        row = present.get(node, {}).get(name)
        if row is None:
            seen = ", ".join(sorted(present.get(node, {}))) or "none"
            problems.append(
                f"storage {name} is not on node {node}, or the token lacks Datastore.Audit on /storage/{name}; "
                f"storages that it sees there: {seen}"
            )
            continue
        if str(row.get("enabled", 1)) != "1" or str(row.get("active", 1)) != "1":
            problems.append(f"storage {name} on node {node} is disabled or not active; look at it with `pvesm status`")
        if "images" not in str(row.get("content", "")).split(","):
            problems.append(
                f"storage {name} on node {node} does not take disk images (content: {row.get('content')}); "
                f"allow content type images on it, or choose another"
            )
        free = int(row.get("avail") or 0)
        if row.get("avail") is not None and size_gb * GIB > free:
            text = (
                f"storage {name} on node {node} has {human(free // GIB * GIB)} free, "
                f"the new guests' disks sum up to {size_gb}G"
            )
            if str(row.get("type")) in THICK or free == 0:
                problems.append(f"{text}; free some, or make the disks smaller")
            else:
                warnings.append(f"{text}; it is thin, so they fit until they are filled: watch it")
    return problems, warnings


def wanted_snippets(guests: list[Guest]) -> dict[tuple[str, str], set[str]]:
    """``{(node, storage): volumes}`` of the files that guests read their vendor data from."""
    result: dict[tuple[str, str], set[str]] = defaultdict(set)
    for guest in guests:
        volume = (guest.keys.get("cicustom") or {}).get("vendor")
        if volume:
            result[(guest.node, volume.split(":", maxsplit=1)[0])].add(volume)
    return dict(result)


def check_snippets(
    wanted: dict[tuple[str, str], set[str]], present: dict[tuple[str, str], list[dict[str, Any]]]
) -> list[str]:
    """The files are there, where they could be looked for. ``present`` is ``{(node, storage): rows of its content}``."""
    return [
        f"snippet {volume} is not on node {node}, so its guests would not start: set host_preparation.snippets: true, or put "
        f"your own file there"
        for (node, storage), volumes in sorted(wanted.items())
        if (node, storage) in present
        for volume in sorted(volumes - {str(row["volid"]) for row in present[(node, storage)]})
    ]


def check_bridges(guests: list[Guest], present: dict[str, list[dict[str, Any]]]) -> tuple[list[str], list[str]]:
    """Problems and warnings: bridges exist on the guests' nodes and carry the wanted MTU. ``present`` is ``{node: rows
    of its network}``. A bridge that says no MTU has that of its ports, which are not in these rows."""
    users: dict[tuple[str, str], list[str]] = defaultdict(list)
    largest: dict[tuple[str, str], int] = defaultdict(int)
    for guest in guests:
        for nic in guest.nics:
            users[(guest.node, nic.bridge)].append(guest.name)
            largest[(guest.node, nic.bridge)] = max(largest[(guest.node, nic.bridge)], nic.mtu or 0)
    problems, warnings = [], []
    for (node, bridge), names in sorted(users.items()):
        who = listed(names)
        row = next((row for row in present.get(node, []) if row.get("iface") == bridge), None)
        if row is None:
            problems.append(
                f"bridge {bridge} is not on node {node}, or the token lacks SDN.Use on "
                f"/sdn/zones/localnetwork/{bridge} (Proxmox hides it then); needed by {who}"
            )
            continue
        mtu, wanted = row.get("mtu"), largest[(node, bridge)]
        if mtu and wanted > int(mtu):
            problems.append(
                f"bridge {bridge} on node {node} has MTU {mtu}, the table wants {wanted} for {who}; "
                f"the guests would not start: raise the bridge's MTU, or lower theirs"
            )
        elif not mtu and row.get("type") == "bridge" and wanted > DEFAULT_MTU:
            warnings.append(
                f"bridge {bridge} on node {node} says no MTU (Proxmox takes the ports'), the table wants {wanted} for "
                f"{who}; if the ports have less, the guests will not start: write mtu into the bridge"
            )
    return problems, warnings


def check_host_addresses(guests: list[Guest], present: dict[str, list[dict[str, Any]]]) -> list[str]:
    """No new guest gets an address of a Proxmox host's own bridge. ``present`` is ``{node: rows of its network}``."""
    taken = {
        str(row[key]): f"{row.get('iface')} of node {node}"
        for node, rows in sorted(present.items())
        for row in rows
        for key in ("address", "address6")
        if row.get(key)
    }
    return [
        f"{guest.label}: address {address} is that of {taken[address]}; choose another"
        for guest in guests
        for address in guest.static_addresses
        if address in taken
    ]


def check_permissions(
    granted: Permissions,
    creations: list[Creation],
    updates: list[Guest],
    pooled: set[int],
    identity: str,
    starts: bool,
    agent: str | None,
) -> list[str]:
    """Every privilege that this run will need, as (path, privilege) with who needs it.

    ``agent`` is the privilege for asking the guest agent, None where it is not asked.
    """
    missing: dict[tuple[str, str], set[str]] = defaultdict(set)

    def need(paths: list[str], privilege: str, who: str) -> None:
        if not granted.may_any(paths, privilege):
            missing[(" or ".join(paths), privilege)].add(who)

    for guest, template in creations:
        home = [f"/pool/{guest.pool}"] if guest.pool else [f"/vms/{guest.vm_id}"]
        need([f"/vms/{template.vm_id}"], "VM.Clone", guest.name)
        need(home, "VM.Allocate", guest.name)
        _need_on_guest(need, home, guest.name, starts, agent)
        # The clone has the template's cards before it gets its own.
        for props in [nic.props for nic in guest.nics] + _nets(template.config):
            zone = f"/sdn/zones/localnetwork/{props.get('bridge')}"
            need([f"{zone}/{props['tag']}", zone] if props.get("tag") else [zone], "SDN.Use", guest.name)
        if "startup" in guest.keys or "startup" in template.config:
            # The order of starting concerns the whole host; one that the template has is deleted on the clone.
            need(["/"], "Sys.Modify", f"the startup order of {guest.name}")
    for node, storage in wanted_storages(creations):
        need([f"/storage/{storage}"], "Datastore.AllocateSpace", f"guests on {node}")
    for guest in updates:
        home = [f"/vms/{guest.vm_id}"]
        if guest.vm_id in pooled:
            # It is not in its pool yet, so rights on that one do not reach it.
            need(home, "VM.Allocate", guest.name)
            need([f"/pool/{guest.pool}"], "Pool.Allocate", f"moving {guest.name} into it")
        elif guest.pool:
            home.append(f"/pool/{guest.pool}")
        _need_on_guest(need, home, guest.name, starts, agent)
    return [
        f"{identity} lacks {privilege} on {path}, needed for {listed(sorted(who))}; "
        f"grant it to the token and to its user"
        for (path, privilege), who in sorted(missing.items())
    ]


def _nets(config: dict[str, str]) -> list[dict[str, str]]:
    nets = [parse_net(value) for key, value in config.items() if NET_KEY.match(key)]
    return [net for net in nets if net.get("bridge")]


def _need_on_guest(need: Any, home: list[str], who: str, starts: bool, agent: str | None) -> None:
    for kind in _CONFIG:
        need(home, f"VM.Config.{kind}", who)
    if starts:
        need(home, "VM.PowerMgmt", who)
    if agent:
        need(home, agent, who)


def listed(values: list[str]) -> str:
    """The first five, and how many more there are."""
    unique = sorted(set(values))
    return ", ".join(unique[:5]) + (f" and {len(unique) - 5} more" if len(unique) > 5 else "")
