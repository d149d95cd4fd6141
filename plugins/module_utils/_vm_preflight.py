# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the checks before the first write need, a handful of requests per node, and runs all checks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _vm_preflight_checks as checks
from ansible_collections.detectviz.infra.plugins.module_utils._address_probe import probe_addresses
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._pve_permissions import Permissions
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed
from ansible_collections.detectviz.infra.plugins.module_utils._vm_reader import id_is_free
from ansible_collections.detectviz.infra.plugins.module_utils._vm_steps import Template
from ansible_collections.detectviz.infra.plugins.module_utils._vm_templates import (
    check_template,
    choose_template,
    clone_of,
)

READERS = 8


@dataclass
class Preflight:
    """What was found: problems that stop the run, warnings, how each new guest is cloned, and the storages."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    templates: dict[int, Template] = field(default_factory=dict)
    storages: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def shared(self, node: str, storage: str) -> bool:
        """Whether a storage is shared between nodes, so that its lock is too."""
        return str(self.storages.get(node, {}).get(storage, {}).get("shared", 0)) == "1"


def preflight(
    client: ProxmoxClient,
    new: list[Guest],
    updated: list[Guest],
    pooled: set[int],
    rows: list[Observed],
    starts: bool,
    asks_agent: bool,
) -> Preflight:
    """All checks for guests to be made (``new``) and guests that exist (``updated``), of which those in
    ``pooled`` come into another pool. ``rows`` is the cluster list."""
    result = Preflight()
    chosen: dict[int, Observed] = {}
    # A guest that was migrated is checked on the node where it is.
    homes = {row.vm_id: row.node for row in rows}
    updated = [replace(guest, node=homes.get(guest.vm_id, guest.node)) for guest in updated]
    wanted_pools = {guest.pool for guest in new if guest.pool}
    wanted_pools |= {guest.pool for guest in updated if guest.pool and guest.vm_id in pooled}
    for guest in new:
        try:
            chosen[guest.vm_id] = choose_template(guest, rows)
        except InfraError as error:
            result.problems.append(str(error))
    with ThreadPoolExecutor(READERS) as pool:
        version = pool.submit(client.get, "version")
        permissions = pool.submit(client.get, "access/permissions")
        members = pool.submit(client.get, "nodes")
        pools = pool.submit(client.get, "pools") if wanted_pools else None
        present = members.result()
        result.problems += checks.check_nodes({guest.node for guest in new}, present)
        online = {str(row["node"]) for row in present if row.get("status") != "offline"}
        result.problems += checks.check_template_nodes(
            [(guest, chosen[guest.vm_id]) for guest in new if guest.vm_id in chosen], online
        )
        nodes = {guest.node for guest in new} | {row.node for row in chosen.values()}
        nodes |= {guest.node for guest in updated if guest.nics}
        templates = {row.vm_id: row for row in chosen.values() if row.node in online}
        storages = {node: pool.submit(client.get, f"nodes/{node}/storage") for node in nodes & online}
        networks = {
            node: pool.submit(client.get, f"nodes/{node}/network", type="any_bridge") for node in nodes & online
        }
        configs = {
            vm_id: pool.submit(client.get, f"nodes/{row.node}/qemu/{vm_id}/config") for vm_id, row in templates.items()
        }
        granted = Permissions(permissions.result())
        release = str(version.result().get("version", ""))
        result.problems += checks.check_version(release)
        if not granted.may("/vms", "VM.Audit"):
            result.problems += [
                text for text in pool.map(lambda guest: _taken_unseen(client, guest), new) if text is not None
            ]
        probed = pool.submit(probe_addresses, [address for guest in new for address in guest.static_addresses])
        result.storages = {
            node: {str(row["storage"]): row for row in future.result()} for node, future in storages.items()
        }
        wanted_snippets = checks.wanted_snippets(new + updated)
        snippets = {
            (node, storage): pool.submit(client.get, f"nodes/{node}/storage/{storage}/content", content="snippets")
            for node, storage in wanted_snippets
            if _lists_snippets(result, granted, node, storage)
        }
        creations = _creations(result, new, chosen, {vm_id: future.result() for vm_id, future in configs.items()})
        problems, result.warnings = checks.check_storages(checks.wanted_storages(creations), result.storages)
        result.problems += problems
        result.problems += checks.check_snippets(
            wanted_snippets, {place: future.result() for place, future in snippets.items()}
        )
        bridged = [guest for guest in new + updated if guest.node in online]
        problems, warnings = checks.check_bridges(bridged, {node: future.result() for node, future in networks.items()})
        result.problems += problems
        result.warnings += warnings
        if pools is not None:
            known = {str(row["poolid"]) for row in pools.result()}
            for name in sorted(wanted_pools - known):
                result.problems.append(f"pool {name} does not exist, or the token lacks Pool.Audit on /pool/{name}")
        result.problems += checks.check_host_addresses(
            new, {node: future.result() for node, future in networks.items()}
        )
        for address in probed.result().answering:
            owner = next(guest for guest in new if address in guest.static_addresses)
            result.problems.append(
                f"{owner.label}: address {address} already answers on the network, though the guest does not exist; "
                f"find out who has it, or choose another"
            )
        if probed.result().unasked:
            result.warnings.append(
                f"Whether somebody has {checks.listed(probed.result().unasked)} was not asked: this machine is on none of "
                f"their networks"
            )
    identity = client.connection.identity
    agent = checks.agent_privilege(release) if asks_agent else None
    result.problems += checks.check_permissions(granted, creations, updated, pooled, identity, starts, agent)
    if granted.too_much():
        result.warnings.append(
            f"{identity} may do far more than this needs ({', '.join(granted.too_much())} on /); a role with the "
            f"privileges of the documentation is enough"
        )
    return result


def _lists_snippets(result: Preflight, granted: Permissions, node: str, storage: str) -> bool:
    """Whether a storage tells its snippets. It hides them, without a word, from tokens without Datastore.Allocate, and
    from all when it is not meant to hold any; guests read them all the same."""
    row = result.storages.get(node, {}).get(storage, {})
    return "snippets" in str(row.get("content", "")).split(",") and granted.may(
        f"/storage/{storage}", "Datastore.Allocate"
    )


def _creations(
    result: Preflight, new: list[Guest], chosen: dict[int, Observed], configs: dict[int, dict[str, Any]]
) -> list[checks.Creation]:
    creations = []
    for guest in new:
        row = chosen.get(guest.vm_id)
        if row is None or row.vm_id not in configs:
            continue
        config = {key: str(value) for key, value in configs[row.vm_id].items()}
        try:
            check_template(guest, row, config)
            template = clone_of(guest, row, config, result.storages.get(row.node, {}))
        except InfraError as error:
            result.problems.append(str(error))
            continue
        result.templates[guest.vm_id] = template
        creations.append((guest, template))
    return creations


def _taken_unseen(client: ProxmoxClient, guest: Guest) -> str | None:
    if id_is_free(client, guest.vm_id):
        return None
    return (
        f"{guest.label}: id {guest.vm_id} is taken by a guest that the token may not see; choose another "
        f"vm_id, or grant VM.Audit on /vms/{guest.vm_id} to learn whose it is"
    )
