# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The columns of a node table: their names in English and as the documents print them."""

from __future__ import annotations

import difflib
import re

from ansible_collections.detectviz.infra.plugins.plugin_utils.units import fold

# canonical name → the ways it is written (compared in lower case, spaces and underscores alike)
_WRITTEN: dict[str, tuple[str, ...]] = {
    "name": ("name", "hostname", "host name", "machine", "主機名稱", "主機名"),
    "node": ("node", "節點", "host"),
    "vm_id": ("vm id", "vmid", "id", "guest id"),
    "kind": ("kind",),
    "pve_node": ("pve node", "pve", "proxmox node", "proxmox host"),
    "template": ("template",),
    "pool": ("pool",),
    "node_role": ("role", "node role", "角色"),
    "cores": ("cpu", "cpus", "cores", "vcpu", "vcpus", "核心"),
    "cpu_type": ("cpu type",),
    "memory": ("memory", "ram", "mem", "記憶體"),
    "memory_mb": ("memory mb", "memory (mb)", "memory (mib)", "ram mb", "ram (mb)"),
    "disks": ("disk", "disks", "磁碟"),
    "disk_gb": ("disk gb", "disk (gb)", "disk (gib)"),
    "networks": ("networks",),
    "ip": ("ip", "address", "addresses", "ip address", "位址"),
    "mac": ("mac", "mac address"),
    "vlan_tag": ("vlan", "vlan tag", "vlan id"),
    "gateway": ("gateway", "閘道"),
    "gateway6": ("gateway6",),
    "mtu": ("mtu",),
    "labels": ("labels", "標籤"),
    "taints": ("taints",),
    "ansible_host": ("ansible host",),
    "notes": ("notes", "note", "comment", "comments", "workload", "用途", "主要工作負載"),
}
# Optional keys of a machine that go to Proxmox as they are, with the type of each.
OPTIONAL_KEYS: dict[str, type] = {
    "sockets": int, "balloon_mb": int, "bios": str, "machine": str, "scsi_controller": str, "arch": str,
    "on_boot": bool, "protection": bool, "startup": str, "tags": list, "description": str, "agent": bool,
    "serial": bool, "vga": str, "vendor_snippet": str, "full": bool, "nameservers": list, "search_domains": list,
    "user": str, "ssh_keys": list, "storage": str,
}  # fmt: skip
PER_NETWORK = {"ip": "addresses", "mac": "mac", "vlan_tag": "vlan_tag", "gateway": "gateway",
               "gateway6": "gateway6", "mtu": "mtu"}  # fmt: skip
SIZE_COLUMNS = {"cores", "memory", "memory_mb", "disks", "disk_gb"}

_CANONICAL = {word: name for name, words in _WRITTEN.items() for word in words}
_CANONICAL.update({key.replace("_", " "): key for key in OPTIONAL_KEYS if key != "machine"})
_OF_NETWORK = re.compile(r"(?P<column>.+?)\s*\(\s*(?P<network>[A-Za-z][\w.-]{0,31})\s*\)", re.ASCII)
_OF_NETWORK_WORDS = {"外部 ip": "ip", "內部 ip": "ip", "external ip": "ip", "internal ip": "ip"}


def canonical(label: str) -> str | None:
    """The name we use for a column, ``name(network)`` for one that belongs to a network, None if unknown.

    >>> canonical("記憶體"), canonical("外部 IP (vmbr0)")
    ('memory', 'ip(vmbr0)')
    """
    word = _word(label)
    if word in _CANONICAL:
        return _CANONICAL[word]
    match = _OF_NETWORK.fullmatch(_plain(label))
    if match:
        base = _word(match["column"])
        column = _OF_NETWORK_WORDS.get(base) or _CANONICAL.get(base)
        if column in PER_NETWORK:
            return f"{column}({match['network']})"
    return None


def canonical_key(key: str) -> str | None:
    """As canonical(), for the keys of a YAML row; there ``machine`` is Proxmox' machine type, not a name."""
    return "machine" if key == "machine" else canonical(key)


def split_network(column: str) -> tuple[str, str | None]:
    """``ip(vmbr0)`` → (``ip``, ``vmbr0``); ``ip`` → (``ip``, None)."""
    base, _bracket, network = column.partition("(")
    return base, network[:-1] if network else None


def suggestion(label: str) -> str:
    """What to write in place of an unknown column."""
    near = difflib.get_close_matches(_word(label), list(_CANONICAL), n=1, cutoff=0.7)
    return f"did you mean {near[0].replace(' ', '_')}?" if near else "see the guide for the known columns, or remove it"


def is_machine_table(columns: set[str]) -> bool:
    return bool({"name", "node"} & columns) and bool(SIZE_COLUMNS & columns)


def is_address_table(columns: set[str]) -> bool:
    """Adds addresses to machines that another table describes."""
    return bool({"name", "node"} & columns) and any(split_network(column)[0] == "ip" for column in columns)


def _plain(label: str) -> str:
    return fold(label).strip("*`_ ")


def _word(label: str) -> str:
    return " ".join(_plain(label).lower().replace("_", " ").replace("-", " ").split())
