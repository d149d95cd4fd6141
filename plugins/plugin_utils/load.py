# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way from files to a checked site. Either everything is right, or nothing comes out."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils import addresses, cluster
from ansible_collections.detectviz.infra.plugins.plugin_utils.derive import derive
from ansible_collections.detectviz.infra.plugins.plugin_utils.machines import (
    ROLES,
    Context,
    inventory_name,
    read_machines,
)
from ansible_collections.detectviz.infra.plugins.plugin_utils.missing import missing
from ansible_collections.detectviz.infra.plugins.plugin_utils.networks import Network, build_networks
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.site_data import SiteData, check_site, read_site
from ansible_collections.detectviz.infra.plugins.plugin_utils.tables import Tables, read_tables
from ansible_collections.detectviz.infra.plugins.plugin_utils.versions import check_versions


@dataclass
class Site:
    """A site that passed every check, as plain data."""

    data: dict[str, Any]  # the site data; networks completed from the tables
    machines: list[dict[str, Any]]  # host variables, each with name
    derived: dict[str, Any]
    missing: list[str] = field(default_factory=list)  # not wrong, but needed before machines are made
    notes: list[str] = field(default_factory=list)  # what was passed over in the tables
    networks_from_tables: bool = False  # the site data has none, so they are not a variable of Ansible's yet
    origin: dict[str, str] = field(default_factory=dict)  # top-level key of the site data → its file

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def load_site(
    tables: Iterable[str | Path],
    site_files: Iterable[str | Path],
    base: str | Path,
    overrides: dict[str, Any] | None = None,
    today: datetime.date | None = None,
) -> Site:
    """Read and check a site. Paths are relative to ``base``; ``overrides`` replace top-level keys of the site data.
    Versions are judged as of ``today``.

    Raises SiteError with every problem that was found.
    """
    folder, problems = Path(base), Problems()
    data = read_site([_shown(path, folder) for path in site_files], problems)
    if overrides:
        data, problems = _overridden(data, overrides, problems)
    read = read_tables([_shown(path, folder) for path in tables], problems)
    return _check(data, read, problems, today or datetime.datetime.now(datetime.timezone.utc).date())


def _shown(path: str | Path, folder: Path) -> tuple[Path, str]:
    """The path to open, and how it is shown: relative to the site's folder where it lies inside."""
    full = folder / Path(path).expanduser()
    shown = os.path.relpath(full, folder)
    return full, str(path) if shown.startswith("..") else shown


def _overridden(site: SiteData, overrides: dict[str, Any], problems: Problems) -> tuple[SiteData, Problems]:
    """Check again with the values that Ansible will really use; the files' own problems are found anew."""
    if "*" in site.invalid:
        return site, problems
    fresh = SiteData(data={**site.data, **overrides}, origin=dict(site.origin), first=site.first)
    found = Problems()
    check_site(fresh, found)
    return fresh, found


def _check(site: SiteData, tables: Tables, problems: Problems, today: datetime.date) -> Site:
    from_tables = "networks" not in site.data and bool(tables.networks)
    if from_tables:
        site.data["networks"] = tables.networks
    data = site.usable()
    before = len(problems)
    networks = build_networks(data.get("networks", {}), site.place("networks"), problems)
    known = "networks" in data and len(problems) == before
    if "networks" not in site.data and "*" not in site.invalid:
        problems.add(site.first.at("networks"), None, "is missing", "write each network with its cidr, gateway and mtu")
    machines = read_machines(tables.machines, _context(data, networks, known), problems)
    warnings = list(site.warnings)
    plan = addresses.build_plan(site, networks if known else {}, problems)
    records = addresses.check_other_rows(tables.others, site, plan, problems)
    hosts = {name for node in _host_names(data) for name in (node, inventory_name(node))}
    addresses.check_machines(machines, plan, hosts, problems)
    if "*" not in site.invalid:
        cluster.check_cluster(machines, site, networks if known else {}, problems, warnings)
    cluster.check_capacity(machines, site, problems, warnings)
    ended = check_versions(data, site.place("kubernetes_version"), problems, warnings, today)
    _check_names(data, site, networks if known else {}, problems)
    problems.stop_if_any()
    complete = _with_records(site.data, records)
    plain = [machine.data for machine in machines]
    derived = derive(complete, plain)
    derived["warnings"] = warnings + derived["warnings"]
    derived["version_ended"] = ended
    origin = {key: place.file for key, place in site.origin.items()}
    return Site(site.data, plain, derived, missing(complete, plain), tables.notes, from_tables, origin)


def _context(data: dict[str, Any], networks: dict[str, Network], known: bool) -> Context:
    return Context(
        networks=networks,
        networks_known=known,
        defaults=data.get("guest_defaults") or {},
        roles=ROLES | set(data.get("node_roles") or []),
        proxmox_nodes=_host_names(data),
        zones=(data.get("dns") or {}).get("zones") or [],
    )


def _host_names(data: dict[str, Any]) -> list[str]:
    return [host["name"] for host in data.get("proxmox_hosts") or []]


def _check_names(data: dict[str, Any], site: SiteData, networks: dict[str, Network], problems: Problems) -> None:
    """Zones name networks that exist; records and servers have addresses."""
    dns, at = data.get("dns") or {}, site.place("dns")
    for number, zone in enumerate(dns.get("zones") or []):
        if networks and zone["network"] not in networks:
            problems.add(
                at.at(f"dns.zones[{number}].network"), zone["network"], "is not a network of the site",
                f"write {' or '.join(networks)}",
            )  # fmt: skip
    for key in ("servers", "upstream"):
        for number, text in enumerate(dns.get(key) or []):
            if addresses.parse_address(text) is None:
                problems.add(at.at(f"dns.{key}[{number}]"), text, "is not an address", addresses.ADDRESS_EXPECTED)
    for number, record in enumerate(dns.get("extra_records") or []):
        if record.get("address") is not None and addresses.parse_address(record["address"]) is None:
            column = f"dns.extra_records[{number}].address"
            problems.add(at.at(column), record["address"], "is not an address", addresses.ADDRESS_EXPECTED)


def _with_records(data: dict[str, Any], records: list[dict[str, str]]) -> dict[str, Any]:
    """Rows of an address table that are no machines (IPMI, a printer) become DNS records."""
    if not records:
        return data
    dns = dict(data.get("dns") or {})
    dns["extra_records"] = [*(dns.get("extra_records") or []), *records]
    return {**data, "dns": dns}
