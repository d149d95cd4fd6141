# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network interfaces of a machine: from flat columns (``IP (vmbr0)``) or from a list, one shape comes out."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.detectviz.infra.plugins.plugin_utils import units
from ansible_collections.detectviz.infra.plugins.plugin_utils.cells import Cells
from ansible_collections.detectviz.infra.plugins.plugin_utils.columns import PER_NETWORK, split_network
from ansible_collections.detectviz.infra.plugins.plugin_utils.networks import Network, parse_address
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.rows import Row, is_none

if TYPE_CHECKING:
    from ansible_collections.detectviz.infra.plugins.plugin_utils.machines import Context

ADDRESS_EXPECTED = "write an IPv4 or IPv6 address with a prefix, or dhcp"
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_IFNAME = re.compile(r"[a-z][a-z0-9_.-]{0,14}")
_KEYS = {"name", "bridge", "network", "addresses", "gateway", "gateway6", "mtu", "vlan_tag", "mac", "firewall"}
_SPLIT = re.compile(r"[,;\s]+")


class _Draft(dict[str, Any]):
    """One interface as written; ``columns`` says where each of its keys stands."""

    def __init__(self, row: Row) -> None:
        super().__init__()
        self.row = row
        self.columns: dict[str, tuple[Row, str]] = {}

    def put(self, key: str, value: Any, row: Row, column: str) -> None:
        self[key] = value
        self.columns[key] = (row, column)

    def wrong(self, problems: Problems, key: str, value: Any, fact: str, expected: str) -> None:
        row, column = self.columns.get(key) or self.columns.get("") or (self.row, "networks")
        problems.add(row.place.at(column), value, fact, expected)


def read_interfaces(
    cells: Cells, additions: list[Row], context: Context, problems: Problems
) -> list[dict[str, Any]]:
    """The interfaces in their order, each with name, bridge, addresses (with prefix) and what else is known."""
    drafts = _from_list(cells, problems) + _from_columns(cells.row, additions, context, problems)
    if not drafts and cells.raw("networks") is None:
        cells.wrong("networks", None, "is missing", "give the machine an address or an interface")
    interfaces: list[dict[str, Any]] = []
    for number, draft in enumerate(drafts):
        interface = _interface(draft, f"eth{number}", context, problems)
        if interface is not None:
            interfaces.append(interface)
            cells.row.labels[f"interface {len(interfaces) - 1}"] = draft.columns.get("addresses", (None, "networks"))[1]
    _one_default_route(interfaces, drafts, context, problems)
    names = [interface["name"] for interface in interfaces]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            cells.wrong("networks", name, "names two interfaces", "give each interface its own name")
    return interfaces


def _from_list(cells: Cells, problems: Problems) -> list[_Draft]:
    value = cells.raw("networks")
    if value is None:
        return []
    label = cells.row.labels.get("networks", "networks")
    if not isinstance(value, list):
        cells.wrong("networks", value, "is not a list", "write one entry per interface, each with bridge and addresses")
        return []
    drafts = []
    for number, entry in enumerate(value):
        column = f"{label}[{number}]"
        if not isinstance(entry, dict):
            cells.wrong(column, entry, "is not an interface", "write a mapping with bridge and addresses")
            continue
        draft = _Draft(cells.row)
        draft.columns[""] = (cells.row, column)
        for key, content in entry.items():
            if key not in _KEYS:
                known = ", ".join(sorted(_KEYS))
                cells.wrong(f"{column}.{key}", None, "is an unknown key", f"known are {known}")
            elif not is_none(content):
                draft.put(key, content, cells.row, f"{column}.{key}")
        drafts.append(draft)
    return drafts


def _from_columns(row: Row, additions: list[Row], context: Context, problems: Problems) -> list[_Draft]:
    """Gathers the columns of the machine's own row and of its address rows by network."""
    drafts: dict[str, _Draft] = {}
    for source in (row, *additions):
        for column, value in source.cells.items():
            base, network = split_network(column)
            if base not in PER_NETWORK or is_none(value):
                continue
            label = source.labels.get(column, column)
            key = PER_NETWORK[base]
            if network is None:
                network = _network_of(value, context) if key == "addresses" else ""
            draft = drafts.setdefault(network, _Draft(source))
            if key in draft and draft[key] != value:
                draft.wrong(problems, key, draft[key], f"is {value} in {source.place.at(label)}", "make the two agree")
            elif key not in draft:
                draft.put(key, value, source, label)
            if network:
                draft["network"] = network
    return _give_to_first(drafts)


def _give_to_first(drafts: dict[str, _Draft]) -> list[_Draft]:
    """Columns without a network (a MAC, a gateway) belong to the first interface."""
    loose = drafts.pop("", None)
    result = list(drafts.values())
    if loose is not None and result:
        for key, value in loose.items():
            if key not in result[0]:
                result[0].put(key, value, *loose.columns[key])
    elif loose is not None:
        result.append(loose)
    return result


def _network_of(value: Any, context: Context) -> str:
    """The network that a bare address is in; with one network alone it is that one."""
    first = parse_address(str(value).partition("/")[0].strip())
    for name, network in context.networks.items():
        if first is not None and network.prefix_of(first) is not None:
            return name
    return next(iter(context.networks)) if len(context.networks) == 1 else ""


def _interface(draft: _Draft, default_name: str, context: Context, problems: Problems) -> dict[str, Any] | None:
    before = len(problems)
    addresses = _addresses(draft, problems)
    network = _network(draft, addresses, context, problems)
    if network is None and len(problems) == before and context.networks_known:
        draft.wrong(problems, "addresses", draft.get("addresses"), "is in no network of the site",
                    f"write an address of {_show_networks(context)}, or name the bridge")  # fmt: skip
    name = draft.get("name") or default_name
    if not isinstance(name, str) or not _IFNAME.fullmatch(name):
        draft.wrong(problems, "name", name, "is not an interface's name", "write a name such as eth0")
        name = default_name
    bridge = network.bridge if network else draft.get("bridge")
    result: dict[str, Any] = {"name": name, "bridge": bridge if isinstance(bridge, str) else ""}
    result["addresses"] = [_with_prefix(address, draft, network, problems) for address in addresses]
    result["vlan_tag"] = network.vlan_tag if network else None
    for version, key in ((4, "gateway"), (6, "gateway6")):
        result[key] = _gateway(draft, key, version, network, result["addresses"], problems)
    result["mtu"] = _mtu(draft, network, problems)
    result["mac"] = _mac(draft, problems)
    if "firewall" in draft:
        if not isinstance(draft["firewall"], bool):
            draft.wrong(problems, "firewall", draft["firewall"], "is neither true nor false", "write true or false")
        result["firewall"] = draft["firewall"]
    return {key: value for key, value in result.items() if value is not None}


def _addresses(draft: _Draft, problems: Problems) -> list[Any]:
    """Interfaces (address with or without prefix) and the word dhcp; what is neither becomes a problem."""
    value = draft.get("addresses")
    parts = value if isinstance(value, list) else _SPLIT.split(value.strip()) if isinstance(value, str) else [value]
    found: list[Any] = []
    for part in parts if value is not None else []:
        if isinstance(part, str) and part.strip().lower() == "dhcp":
            found.append("dhcp")
            continue
        try:
            if not isinstance(part, str) or "%" in part:
                raise ValueError
            found.append((ipaddress.ip_interface(part.strip()), "/" in part))
        except ValueError:
            draft.wrong(problems, "addresses", part, "is not an address", ADDRESS_EXPECTED)
    if not found and (value is None or not parts):
        draft.wrong(problems, "addresses", None, "is missing", ADDRESS_EXPECTED)
    return found


def _network(draft: _Draft, addresses: list[Any], context: Context, problems: Problems) -> Network | None:
    """The site's network that the interface is on, by its name, its bridge and VLAN tag, or its address."""
    named = draft.get("network") or draft.get("bridge")
    key = "network" if "network" in draft and "network" in draft.columns else "bridge"
    if key == "bridge" and "bridge" not in draft.columns:
        key = "addresses"
    tag = draft.get("vlan_tag")
    if tag is not None:
        try:
            tag = units.whole_number(tag, 1, 4094)
        except units.NotAnAmount as error:
            draft.wrong(problems, "vlan_tag", tag, str(error), "write a VLAN tag from 1 to 4094")
            return None
    if not context.networks_known or named is None and not addresses:
        return None
    if named is None:
        fits = [net for net in context.networks.values() if _holds(net, addresses)] or list(context.networks.values())
        fits = [net for net in fits if tag is None or net.vlan_tag == tag]
        return fits[0] if len(fits) == 1 else None
    if named in context.networks if isinstance(named, str) else False:
        network = context.networks[named]
        if tag is None or tag == network.vlan_tag:
            return network
    fits = [net for net in context.networks.values() if net.bridge == named]
    if not fits:
        draft.wrong(problems, key, named, "is not a bridge or network of the site", f"write {_names(context)}")
        return None
    if tag is not None:
        tagged = [net for net in fits if net.vlan_tag == tag]
        if not tagged:
            draft.wrong(problems, "vlan_tag", tag, f"is no VLAN of the bridge {named}",
                        "give the site data a network with this bridge and vlan_tag")  # fmt: skip
        return tagged[0] if tagged else None
    if len(fits) > 1:
        fits = [net for net in fits if _holds(net, addresses)] or [net for net in fits if net.vlan_tag is None]
    if not fits:
        draft.wrong(problems, key, named, "carries several networks", f"name the network: {_names(context)}")
    return fits[0] if fits else None


def _holds(network: Network, addresses: list[Any]) -> bool:
    return any(entry != "dhcp" and network.prefix_of(entry[0].ip) is not None for entry in addresses)


def _names(context: Context) -> str:
    names = {**dict.fromkeys(context.networks), **{net.bridge: None for net in context.networks.values()}}
    return " or ".join(names) or "a network that the site data has"


def _show_networks(context: Context) -> str:
    return " or ".join(str(prefix) for net in context.networks.values() for prefix in net.prefixes) or "a network"


def _with_prefix(entry: Any, draft: _Draft, network: Network | None, problems: Problems) -> str:
    if entry == "dhcp":
        return "dhcp"
    interface, written = entry
    prefix = network.prefix_of(interface.ip) if network else None
    if network is not None and prefix is None and network.prefixes:
        of_version = [item for item in network.prefixes if item.version == interface.version]
        shown = " or ".join(map(str, of_version or network.prefixes))
        draft.wrong(problems, "addresses", str(interface.ip), f"is outside its network {network.name}",
                    f"write an address of {shown}")  # fmt: skip
    elif prefix is not None and written and interface.network.prefixlen != prefix.prefixlen:
        draft.wrong(problems, "addresses", str(interface), f"has another prefix than its network {network.name}",
                    f"write /{prefix.prefixlen}")  # type: ignore[union-attr]  # fmt: skip
    elif prefix is not None and _is_edge(interface.ip, prefix):
        draft.wrong(problems, "addresses", str(interface.ip), f"is the network or broadcast address of {prefix}",
                    "write an address of a host")  # fmt: skip
    length = prefix.prefixlen if prefix is not None and not written else interface.network.prefixlen
    return f"{interface.ip}/{length}"


def _is_edge(address: Any, prefix: Any) -> bool:
    if prefix.prefixlen >= prefix.max_prefixlen - 1:
        return False
    return address == prefix.network_address or (prefix.version == 4 and address == prefix.broadcast_address)


def _gateway(
    draft: _Draft, key: str, version: int, network: Network | None, addresses: list[str], problems: Problems
) -> str | None:
    """The gateway as written, else the network's where the interface has a fixed address of that version."""
    has_address = any(text != "dhcp" and (":" in text) == (version == 6) for text in addresses)
    if key in draft:
        gateway = parse_address(draft[key])
        if gateway is None or gateway.version != version:
            draft.wrong(problems, key, draft[key], f"is not an IPv{version} address", "write the router's address")
            return None
        if network and network.prefixes and network.prefix_of(gateway) is None and not gateway.is_link_local:
            draft.wrong(problems, key, draft[key], "is outside its network", "write an address of the same network")
        return str(gateway)
    gateway = network.gateway(version) if network and has_address else None
    return None if gateway is None else str(gateway)


def _mtu(draft: _Draft, network: Network | None, problems: Problems) -> int | None:
    if "mtu" not in draft:
        return network.mtu if network else None
    try:
        mtu = units.whole_number(draft["mtu"], 576, 65520)
    except units.NotAnAmount as error:
        draft.wrong(problems, "mtu", draft["mtu"], str(error), "write an MTU such as 1500")
        return None
    if network and mtu > network.mtu:
        draft.wrong(problems, "mtu", mtu, f"is more than its network carries ({network.mtu})", "lower it")
    return mtu


def _mac(draft: _Draft, problems: Problems) -> str | None:
    value = draft.get("mac")
    if value is None:
        return None
    mac = str(value).strip().lower().replace("-", ":")
    if not _MAC.fullmatch(mac):
        draft.wrong(problems, "mac", value, "is not a MAC address", "write it as bc:24:11:00:00:01")
        return None
    if int(mac[:2], 16) & 1:
        draft.wrong(problems, "mac", value, "is a multicast address", "write one whose first byte is even")
    return mac


def _one_default_route(
    interfaces: list[dict[str, Any]], drafts: list[_Draft], context: Context, problems: Problems
) -> None:
    """A gateway that comes from the network's data counts on the first such interface only."""
    if len(interfaces) != len(drafts):
        return
    for key in ("gateway", "gateway6"):
        written = [draft for draft in drafts if key in draft]
        if len(written) > 1:
            written[1].wrong(problems, key, written[1][key], "is a second default gateway", "keep one per machine")
        keep: _Draft | None = written[0] if written else None
        for interface, draft in zip(interfaces, drafts):
            if key not in interface:
                continue
            keep = keep if keep is not None else draft
            if draft is not keep:
                del interface[key]
