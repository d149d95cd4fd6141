# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has which address: everything that is taken on the site's networks, and the checks that nobody meets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.machines import HOST_NAME, Machine
from ansible_collections.detectviz.infra.plugins.plugin_utils.networks import (
    ADDRESS_EXPECTED,
    NETWORK_EXPECTED,
    RANGE_EXPECTED,
    Address,
    Network,
    Prefix,
    Range,
    in_range,
    parse_address,
    parse_network,
    parse_range,
    show_range,
)
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.site_data import SiteData

FREE = "write an address that is free"


@dataclass
class Plan:
    """The address plan of a site. ``taken`` says for each address who has it."""

    taken: dict[Address, str] = field(default_factory=dict)
    ranges: list[tuple[Range, str]] = field(default_factory=list)
    vip: Address | None = None
    pool: list[Range] = field(default_factory=list)
    overlays: list[tuple[str, Prefix]] = field(default_factory=list)  # pod and service networks

    def meets(self, address: Address) -> str | None:
        """What stands in the way of ``address``: who has it, or which range holds it."""
        if address in self.taken:
            return f"is {self.taken[address]}"
        for span, what in self.ranges:
            if in_range(address, span):
                return f"is inside {what} {show_range(span)}"
        return None


def build_plan(site: SiteData, networks: dict[str, Network], problems: Problems) -> Plan:
    """Place everything but the machines, and report what meets among these."""
    plan, data = Plan(), site.usable()
    for network in networks.values():
        for gateway in network.gateways:
            plan.taken.setdefault(gateway, f"the gateway of {network.name}")
        plan.ranges += [(span, f"the DHCP range of {network.name}") for span in network.dhcp_ranges]
    _place_hosts(plan, data, site, networks, problems)
    _place_vip(plan, data, site, networks, problems)
    _place_pool(plan, data, site, networks, problems)
    _place_ingress(plan, data, site, networks, problems)
    _place_overlays(plan, data, site, networks, problems)
    return plan


def host_addresses(host: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The addresses of a Proxmox host with their columns: the management address first."""
    yield "address", host.get("address")
    for network, address in (host.get("addresses") or {}).items():
        yield f"addresses.{network}", address


def bare(text: Any) -> Address | None:
    """An address whose prefix, if it has one, does not matter."""
    return parse_address(text.partition("/")[0]) if isinstance(text, str) else None


def _place_hosts(
    plan: Plan, data: dict[str, Any], site: SiteData, networks: dict[str, Network], problems: Problems
) -> None:
    names: set[str] = set()
    for number, host in enumerate(data.get("proxmox_hosts", [])):
        at = site.place("proxmox_hosts")
        if host["name"] in names:
            problems.add(
                at.at(f"proxmox_hosts[{number}].name"), host["name"], "is there twice", "give each its own name"
            )
        names.add(host["name"])
        own: set[Address] = set()
        for column, text in host_addresses(host):
            address, where = bare(text), at.at(f"proxmox_hosts[{number}].{column}")
            if address is None:
                problems.add(where, text, "is not an address", ADDRESS_EXPECTED)
                continue
            if "/" in text:
                # Connections, certificates and DNS records take it as it stands.
                problems.add(where, text, "has a prefix", "write the address alone")
            network = networks.get(column.partition(".")[2])
            if column != "address" and networks and network is None:
                problems.add(where, None, "names no network of the site", f"known are {', '.join(networks)}")
            elif network is not None and network.prefixes and network.prefix_of(address) is None:
                problems.add(where, text, f"is outside its network {network.name}", FREE)
            obstacle = plan.meets(address)
            # A Proxmox host may be the gateway of a network itself.
            if obstacle and address not in own and "the gateway of" not in obstacle:
                problems.add(where, text, obstacle, FREE)
            own.add(address)
            plan.taken[address] = f"the Proxmox host {host['name']}"


def _place_vip(
    plan: Plan, data: dict[str, Any], site: SiteData, networks: dict[str, Network], problems: Problems
) -> None:
    vip = data.get("vip")
    if not vip:
        return
    at = site.place("vip")
    address = parse_address(vip["address"])
    network = networks.get(vip["network"])
    if networks and network is None:
        problems.add(at.at("vip.network"), vip["network"], "is not a network of the site", f"write {_or(networks)}")
    if address is None:
        problems.add(at.at("vip.address"), vip["address"], "is not an address", ADDRESS_EXPECTED)
        return
    # Certificates and nodes tell it in this spelling, and roles compare with what the site says.
    if str(address) != vip["address"]:
        problems.add(at.at("vip.address"), vip["address"], "is spelt in an unusual way", f"write {address}")
    if network is not None and network.prefixes and network.prefix_of(address) is None:
        shown = " or ".join(map(str, network.prefixes))
        problems.add(
            at.at("vip.address"), str(address), f"is outside its network {network.name}", f"write an address of {shown}"
        )
    obstacle = plan.meets(address)
    if obstacle:
        problems.add(at.at("vip.address"), str(address), obstacle, FREE)
    plan.vip = address
    plan.taken[address] = "the VIP"


def _place_pool(
    plan: Plan, data: dict[str, Any], site: SiteData, networks: dict[str, Network], problems: Problems
) -> None:
    pool = data.get("load_balancer_pool") or []
    entries = [(f"[{number}]", text) for number, text in enumerate(pool)] if isinstance(pool, list) else [("", pool)]
    for suffix, text in entries:
        at = site.place("load_balancer_pool").at(f"load_balancer_pool{suffix}")
        span = parse_range(text)
        if span is None:
            problems.add(at, text, "is not a range of addresses", RANGE_EXPECTED)
            continue
        if networks and not any(
            prefix.version == span[0].version and span[0] in prefix and span[1] in prefix
            for network in networks.values()
            for prefix in network.prefixes
        ):
            problems.add(at, text, "is in no network of the site", "write a range inside one network")
        for address, who in plan.taken.items():
            if in_range(address, span):
                problems.add(at, text, f"holds {address}, {who}", "leave taken addresses out of the pool")
        for other, what in plan.ranges:
            if other[0].version == span[0].version and other[0] <= span[1] and span[0] <= other[1]:  # type: ignore[operator]
                problems.add(at, text, f"overlaps {what} {show_range(other)}", "keep the ranges apart")
        plan.pool.append(span)
        plan.ranges.append((span, "the load-balancer range"))


def _place_ingress(
    plan: Plan, data: dict[str, Any], site: SiteData, networks: dict[str, Network], problems: Problems
) -> None:
    text = data.get("ingress_address")
    if text is None:
        return
    at = site.place("ingress_address").at("ingress_address")
    address = parse_address(text)
    if address is None:
        problems.add(at, text, "is not an address", ADDRESS_EXPECTED)
    elif address != plan.vip and not any(in_range(address, span) for span in plan.pool):
        why = plan.meets(address) or "is in no load-balancer range"
        problems.add(at, text, why, "write an address of load_balancer_pool, or the VIP")


def _place_overlays(
    plan: Plan, data: dict[str, Any], site: SiteData, networks: dict[str, Network], problems: Problems
) -> None:
    """Pod and service networks may meet neither each other nor any network or address of the site."""
    for key in ("pod_cidrs", "service_cidrs"):
        for number, text in enumerate(data.get(key, [])):
            at = site.place(key).at(f"{key}[{number}]")
            prefix = parse_network(text)
            if prefix is None:
                problems.add(at, text, "is not a network", NETWORK_EXPECTED)
                continue
            others = list(plan.overlays)
            others += [(net.name, other) for net in networks.values() for other in net.prefixes]
            for name, other in others:
                if other.version == prefix.version and other.overlaps(prefix):  # type: ignore[arg-type]
                    problems.add(at, text, f"overlaps {other} of {name}", "keep the networks apart")
            for address, who in plan.taken.items():
                if address in prefix and not any(address in other for _name, other in others):
                    problems.add(at, text, f"holds {address}, {who}", "keep the networks apart")
            plan.overlays.append((f"{key}[{number}]", prefix))


def check_machines(machines: list[Machine], plan: Plan, host_names: set[str], problems: Problems) -> None:
    """Duplicate names, ids, addresses and MACs, and addresses that something else has."""
    names: dict[str, str] = dict.fromkeys(host_names, "the name of a Proxmox host")
    ids: dict[int, str] = {}
    macs: dict[str, str] = {}
    for machine in machines:
        row, data = machine.row, machine.data
        if machine.name in names:
            problems.add(row.at(row.name_column), machine.name, f"is {names[machine.name]}", "give each its own name")
        names.setdefault(machine.name, f"already the name in {row.place}")
        vm_id = data.get("vm_id")
        if vm_id in ids:
            problems.add(row.at("vm_id"), vm_id, f"is the id of {ids[vm_id]}", "give each machine its own id")
        if vm_id is not None:
            ids.setdefault(vm_id, machine.name)
        for number, interface in enumerate(data["networks"]):
            _check_interface(machine, number, interface, plan, macs, problems)


def _check_interface(
    machine: Machine, number: int, interface: dict[str, Any], plan: Plan, macs: dict[str, str], problems: Problems
) -> None:
    row = machine.row
    column = row.labels.get(f"interface {number}", f"networks[{number}].addresses")
    mac = interface.get("mac")
    if mac is not None:
        if mac in macs:
            at = row.place.at(column.replace(".addresses", ".mac"))
            problems.add(at, mac, f"is the MAC address of {macs[mac]}", "give each interface its own")
        macs.setdefault(mac, machine.name)
    for text in interface["addresses"]:
        address = bare(text)
        if address is None:
            continue
        obstacle = plan.meets(address)
        if obstacle is None:
            for name, prefix in plan.overlays:
                if address in prefix:
                    obstacle = f"is inside {name} {prefix}"
        if obstacle:
            problems.add(row.place.at(column), str(address), obstacle, FREE)
        plan.taken.setdefault(address, f"the address of {machine.name}")


def check_other_rows(rows: list[Any], site: SiteData, plan: Plan, problems: Problems) -> list[dict[str, str]]:
    """Address rows that are no machines: the VIP and Proxmox hosts must agree with the site data.

    Returns the rest as records (name, address); their addresses count as taken.
    """
    hosts = {host["name"]: host for host in site.usable().get("proxmox_hosts", [])}
    records = []
    for row in rows:
        name = str(row.cells.get(row.name_column) or "").strip().lower()
        for column in row.cells:
            if not column.startswith("ip"):
                continue
            text = str(row.cells[column] or "").strip()
            if text in ("", "-", "–", "—"):
                continue
            address = bare(text)
            if address is None:
                problems.add(row.at(column), text, "is not an address", ADDRESS_EXPECTED)
            elif name == "vip":
                if plan.vip is not None and address != plan.vip:
                    problems.add(
                        row.at(column), text, f"is not the VIP of the site data ({plan.vip})", "make the two agree"
                    )
            elif name in hosts:
                known = [str(bare(value)) for _column, value in host_addresses(hosts[name])]
                if str(address) not in known:
                    problems.add(
                        row.at(column), text, f"is not an address of {name} in the site data", f"write {known[0]}"
                    )
            elif name:
                # A second name for a host, a router or the VIP is welcome; only the pool may not hold it.
                if any(in_range(address, span) for span in plan.pool):
                    problems.add(row.at(column), text, "is inside the load-balancer range", FREE)
                plan.taken.setdefault(address, f"the address of {name}")
                label = "-".join(name.replace("_", " ").split())
                if HOST_NAME.fullmatch(label):
                    records.append({"name": label, "address": str(address)})
    return records


def _or(names: Any) -> str:
    return " or ".join(map(str, names))
