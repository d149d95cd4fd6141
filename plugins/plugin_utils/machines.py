# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a row as it was written to a machine with units, defaults and networks filled in."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils import units
from ansible_collections.detectviz.infra.plugins.plugin_utils.cells import Cells
from ansible_collections.detectviz.infra.plugins.plugin_utils.columns import OPTIONAL_KEYS
from ansible_collections.detectviz.infra.plugins.plugin_utils.interfaces import read_interfaces
from ansible_collections.detectviz.infra.plugins.plugin_utils.networks import Network, parse_address
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.rows import Row
from ansible_collections.detectviz.infra.plugins.plugin_utils.sizes import read_disks, read_memory
from ansible_collections.detectviz.infra.plugins.plugin_utils.ssh_keys import EXPECTED, is_public_key
from ansible_collections.detectviz.infra.plugins.plugin_utils.tables import Described

HOST_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
CONTROL_PLANE, WORKER, OTHER = "control_plane", "worker", "other"
ROLES = {
    CONTROL_PLANE, WORKER, OTHER, "load_balancer", "storage", "database", "vault", "runner", "bastion",
    "monitoring", "dns", "registry", "service",
}  # fmt: skip
_ROLE_WORDS = {"master": CONTROL_PLANE, "controlplane": CONTROL_PLANE, "application": WORKER, "app": WORKER}
_ARCHITECTURES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_BIOSES = {"ovmf", "seabios"}
_TAINT = re.compile(r"[A-Za-z0-9./_-]{1,253}(?:=[A-Za-z0-9._-]{0,63})?:(?:NoSchedule|PreferNoSchedule|NoExecute)")
_GROUPS = {"all", "ungrouped", "proxmox", "machines", "masters", "workers", "k8s_cluster"}


@dataclass
class Context:
    """What the rows are read against."""

    networks: dict[str, Network] = field(default_factory=dict)
    networks_known: bool = True  # False: the networks failed their checks, so nothing is said about rows
    defaults: dict[str, Any] = field(default_factory=dict)
    roles: set[str] = field(default_factory=lambda: set(ROLES))
    proxmox_nodes: list[str] = field(default_factory=list)
    zones: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Machine:
    """A machine in the shape of the host variables (with ``name``), and the row it came from."""

    data: dict[str, Any]
    row: Row

    @property
    def name(self) -> str:
        return self.data["name"]


def inventory_name(node: str) -> str:
    """The inventory's name of a Proxmox host: its node name, which yet cannot be that of a group (``proxmox``)."""
    return f"{node}-host" if node in _GROUPS else node


def read_machines(described: list[Described], context: Context, problems: Problems) -> list[Machine]:
    """All machines; rows whose name is unusable are left out after their problem was added."""
    machines = []
    for item in described:
        machine = _machine(item, context, problems)
        if machine is not None:
            machines.append(machine)
    return machines


def _machine(item: Described, context: Context, problems: Problems) -> Machine | None:
    cells = Cells(item.row, problems)
    for row in (item.row, *item.additions):
        _refuse_templates(row, problems)
    name = _name(cells)
    defaults = context.defaults
    data: dict[str, Any] = {"name": name}
    data["vm_id"] = _required(cells, "vm_id", _vm_id, "write the guest's id, a number from 100 to 999999999", None)
    data["kind"] = _choice(cells, "kind", {"vm": "vm", "lxc": "lxc", "ct": "lxc"}, defaults.get("kind", "vm"))
    data["pve_node"] = _pve_node(cells, context)
    for key in ("template", "pool", "cpu_type"):
        value = cells.text(key)
        value = defaults.get(key) if value is None else value
        if value is not None:
            data[key] = value
    data["node_role"] = _role(cells, context)
    data["cores"] = _required(cells, "cores", units.cores, "write a number of cores, such as 4", defaults.get("cores"))
    data["memory_mb"] = read_memory(cells, defaults)
    data["disks"] = read_disks(cells, defaults)
    data["networks"] = read_interfaces(cells, item.additions, context, problems)
    data["labels"] = _labels(cells)
    data["taints"] = _taints(cells)
    data.update(_optional(cells))
    data["ansible_host"] = cells.text("ansible_host") or _first_address(data, context)
    return None if name is None else Machine({key: value for key, value in data.items() if value is not None}, item.row)


def _refuse_templates(row: Row, problems: Problems) -> None:
    """Ansible would evaluate a template that came in with a table; tables are data alone."""
    stack = list(row.cells.items())
    while stack:
        column, value = stack.pop()
        if isinstance(value, str):
            if any(mark in value for mark in ("{{", "{%", "{#")):
                problems.add(row.at(column), value, "looks like a template", "write the value itself")
        elif isinstance(value, dict):
            stack += [(column, item) for pair in value.items() for item in pair]
        elif isinstance(value, list):
            stack += [(column, item) for item in value]


def _name(cells: Cells) -> str | None:
    column = cells.row.name_column
    expected = "write a host name of lower-case letters, digits and dashes"
    value = cells.text(column)
    if value is None:
        if cells.raw(column) is None:
            cells.wrong(column, None, "is missing", expected)
        return None
    if not HOST_NAME.fullmatch(value):
        cells.wrong(column, value, "is not a host name", expected)
        return None
    if value in _GROUPS or value == "localhost" or value.isdigit():
        cells.wrong(column, value, "cannot be a machine's name", "choose a name that is neither a number nor a group")
        return None
    return value


def _vm_id(value: Any) -> int:
    return units.whole_number(value, 100, 999_999_999)


def _required(cells: Cells, column: str, read: Any, expected: str, default: Any) -> Any:
    if cells.raw(column) is None:
        if default is None:
            cells.wrong(column, None, "is missing", expected)
        return default
    return cells.amount(column, read, expected)


def _choice(cells: Cells, column: str, words: dict[str, str], default: Any) -> Any:
    value = cells.text(column)
    if value is None:
        return default
    if value.lower() not in words:
        cells.wrong(column, value, "is not one of the choices", f"write {' or '.join(dict.fromkeys(words.values()))}")
    return words.get(value.lower())


def _pve_node(cells: Cells, context: Context) -> str | None:
    nodes, value = context.proxmox_nodes, cells.text("pve_node")
    if value is None:
        if len(nodes) > 1 and cells.raw("pve_node") is None:
            cells.wrong("pve_node", None, "is missing", f"say which Proxmox host carries it: {', '.join(nodes)}")
        return nodes[0] if len(nodes) == 1 else None
    if nodes and value not in nodes:
        cells.wrong("pve_node", value, "is not a Proxmox host of the site", f"write {' or '.join(nodes)}")
    return value


def _role(cells: Cells, context: Context) -> str | None:
    value = cells.text("node_role")
    if value is None:
        return OTHER
    word = "_".join(units.fold(value).lower().replace("-", " ").split())
    word = _ROLE_WORDS.get(word, word)
    if word in context.roles:
        return word
    near = difflib.get_close_matches(word, sorted(context.roles), n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    cells.wrong(
        "node_role", value, "is not a role",
        f"{hint}write control_plane, worker or {OTHER}; further words stand in node_roles of the site data",
    )  # fmt: skip
    return None


def _labels(cells: Cells) -> dict[str, str]:
    value = cells.raw("labels")
    expected = "write a mapping, or text such as zone=a, disk=ssd"
    if isinstance(value, str):
        pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
        if all(key.strip() for key, _equals, _text in pairs):
            return {key.strip(): text.strip().strip('"') for key, _equals, text in pairs}
    elif isinstance(value, dict):
        if all(isinstance(key, str) and isinstance(text, (str, int, bool)) for key, text in value.items()):
            return {key: str(text).lower() if isinstance(text, bool) else str(text) for key, text in value.items()}
    if value is not None:
        cells.wrong("labels", value, "is not a set of labels", expected)
    return {}


def _taints(cells: Cells) -> list[str]:
    value = cells.raw("taints")
    entries = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if value is None:
        return []
    if not isinstance(entries, list) or not all(
        isinstance(entry, str) and _TAINT.fullmatch(entry) for entry in entries
    ):
        cells.wrong("taints", value, "is not a list of taints", "write entries such as dedicated=db:NoSchedule")
        return []
    return entries


def _optional(cells: Cells) -> dict[str, Any]:
    """The keys that go to Proxmox as they are; in flat tables a list is written with commas."""
    data: dict[str, Any] = {}
    for key in OPTIONAL_KEYS.keys() & cells.row.cells.keys():
        kind = OPTIONAL_KEYS[key]
        if cells.raw(key) is None:
            continue
        if kind is int:
            data[key] = cells.amount(key, units.whole_number, "write a whole number")
        elif kind is bool:
            data[key] = cells.amount(key, units.boolean, "write true or false")
        elif kind is list:
            data[key] = _list(cells, key)
        else:
            data[key] = cells.text(key)
    if data.get("arch") is not None:
        data["arch"] = _choice(cells, "arch", _ARCHITECTURES, None)
    if data.get("bios") is not None and data["bios"] not in _BIOSES:
        cells.wrong("bios", data["bios"], "is not one of the choices", "write ovmf or seabios")
    for key in data.get("ssh_keys") or []:
        if not is_public_key(key):
            shown = None if "PRIVATE KEY" in key else key
            cells.wrong("ssh_keys", shown, "is not a public SSH key" if shown else "holds a private key", EXPECTED)
    return data


def _list(cells: Cells, key: str) -> list[str] | None:
    value = cells.raw(key)
    entries = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        cells.wrong(key, value, "is not a list of words", "write a list, in flat tables with commas")
        return None
    return entries


def _first_address(data: dict[str, Any], context: Context) -> str | None:
    """The first fixed address; a machine with DHCP alone is reached by its name."""
    for interface in data["networks"]:
        for text in interface["addresses"]:
            address = parse_address(text.partition("/")[0])
            if address is not None:
                return str(address)
    if data["name"] is None or not data["networks"]:
        return None
    bridge = data["networks"][0]["bridge"]
    tag = data["networks"][0].get("vlan_tag")
    for zone in context.zones:
        network = context.networks.get(zone.get("network", ""))
        if network is not None and (network.bridge, network.vlan_tag) == (bridge, tag):
            return f"{data['name']}.{zone['name']}"
    return data["name"]
