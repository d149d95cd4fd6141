# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the table wants of one guest, in Proxmox's terms: a pure conversion with all errors at once."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._vm_cloud_init import encode_keys, ip_config
from ansible_collections.detectviz.infra.plugins.module_utils._vm_ownership import split_tags
from ansible_collections.detectviz.infra.plugins.module_utils._vm_row import marker_problems, row_problems

_NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9\-.]{0,61}[A-Za-z0-9])?$")
_MAC = re.compile(r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$")
_TAG = re.compile(r"^[a-z0-9_][a-z0-9_\-+.]*$")
ARCHITECTURES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}


@dataclass(frozen=True)
class Disk:
    """One disk: the first is the system disk of the template, the others are added by us.

    ``options`` are wanted sub-keys of the disk's property string.
    """

    name: str
    size_gb: int | None
    storage: str | None
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Nic:
    """One network card and its address configuration.

    ``props`` are wanted sub-keys of netN (None: has to go), ``address`` those of ipconfigN.
    """

    name: str
    bridge: str
    mtu: int | None
    props: dict[str, str | None]
    address: dict[str, str | None]
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Guest:
    """Everything that the table says about one guest.

    ``keys`` maps a Proxmox option to its wanted text, number or map of sub-keys (see ``_vm_changes.DEFAULT_KEYS``).
    ``tags`` and ``description`` are None when the table does not speak of them. ``digest`` is eight hex digits over
    all of it, kept on the guest as a tag for the fast check.
    """

    vm_id: int
    name: str
    node: str
    role: str
    template: int | str | dict[str, Any] | None
    storage: str | None
    full: bool | None
    pool: str | None
    arch: str | None
    keys: dict[str, Any]
    disks: tuple[Disk, ...]
    nics: tuple[Nic, ...]
    tags: tuple[str, ...] | None
    description: str | None
    digest: str = ""

    @property
    def label(self) -> str:
        """How messages name the guest."""
        return f"{self.name} ({self.vm_id})"

    @property
    def static_addresses(self) -> list[str]:
        """Addresses without prefix that the table knows, the first network first."""
        return [text.split("/")[0] for nic in self.nics for text in nic.addresses if "/" in text]


def read_guests(
    rows: list[dict[str, Any]], defaults: dict[str, Any], fallback: dict[str, Any], cloud_init: dict[str, Any]
) -> list[Guest]:
    """Guests of the table. Precedence: row, ``defaults``, then ``fallback`` (the module's own options).

    ``cloud_init`` holds user, ssh_keys, nameservers, search_domains, upgrade; a row's own key wins over it.
    Raises ProblemsError with every problem of every row.
    """
    guests: list[Guest] = []
    problems: list[str] = []
    base = {**_given(fallback), **_given(cloud_init), **_given(defaults)}
    for number, row in enumerate(rows, start=1):
        who = f"guests[{number}] {row.get('name') or row.get('vm_id') or ''}".strip()
        reader = _Reader(who, {**base, **_given(row)}, problems)
        guest = reader.guest()
        if guest:
            guests.append(guest)
    for what, values in (
        ("vm_id", [str(guest.vm_id) for guest in guests]),
        ("name", [guest.name for guest in guests]),
        ("address", [address for guest in guests for address in guest.static_addresses]),
    ):
        for value in sorted({value for value in values if values.count(value) > 1}):
            problems.append(f"{what} {value} is given to more than one guest")
    if problems:
        raise ProblemsError("The list of guests has errors; nothing was changed:", problems)
    return guests


def _given(values: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (values or {}).items() if value is not None}


class _Reader:
    """Reads one merged row; notes problems instead of stopping at the first."""

    def __init__(self, who: str, row: dict[str, Any], problems: list[str]) -> None:
        self.who = who
        self.row = row
        self.problems = problems

    def bad(self, text: str) -> None:
        self.problems.append(f"{self.who}: {text}")

    def number(self, key: str, low: int, high: int, source: dict[str, Any] | None = None) -> int | None:
        value = (self.row if source is None else source).get(key)
        if value is None:
            return None
        try:
            number = int(str(value))
        except ValueError:
            self.bad(f"{key} {value!r} is not a whole number")
            return None
        if not low <= number <= high:
            self.bad(f"{key} {number} is outside {low}..{high}")
            return None
        return number

    def guest(self) -> Guest | None:
        row, before = self.row, len(self.problems)
        for problem in row_problems(row):
            self.bad(problem)
        if len(self.problems) > before:
            return None
        vm_id = self.number("vm_id", 100, 999999999)
        name = str(row.get("name", ""))
        if vm_id is None and row.get("vm_id") is None:
            self.bad("vm_id is missing: the guest id of the table is the key on Proxmox")
        if not _NAME.fullmatch(name):
            self.bad(f"name {name!r} is not a host name")
        if row.get("kind", "vm") != "vm":
            self.bad(f"kind {row['kind']!r} is not a virtual machine; this module makes only kind vm")
        if not row.get("pve_node"):
            self.bad("pve_node is missing: the Proxmox host that the guest is made on")
        keys, disks, nics = self.keys(), self.disks(), self.nics()
        tags = None
        if row.get("tags") is not None:
            raw = row["tags"]
            tags = tuple(split_tags(raw if isinstance(raw, str) else ";".join(str(tag) for tag in raw)))
            for tag in tags:
                if not _TAG.fullmatch(tag):
                    self.bad(f"tag {tag!r} has characters that Proxmox refuses")
        description = None if row.get("description") is None else str(row["description"]).strip()
        for problem in marker_problems(tags, description):
            self.bad(problem)
        arch = row.get("arch")
        if arch is not None and arch not in ARCHITECTURES:
            self.bad(f"arch {arch!r} is none of {', '.join(sorted(ARCHITECTURES))}")
        if len(self.problems) > before or vm_id is None:
            return None
        guest = Guest(
            vm_id=vm_id,
            name=name,
            node=str(row["pve_node"]),
            role=str(row.get("node_role", "")),
            template=row.get("template"),
            storage=row.get("storage"),
            full=_flag(row.get("full")),
            pool=row.get("pool"),
            arch=ARCHITECTURES[arch] if arch else None,
            keys={"name": name, **keys},
            disks=disks,
            nics=nics,
            tags=tags,
            description=description,
        )
        return Guest(**{**guest.__dict__, "digest": _digest(guest)})

    def keys(self) -> dict[str, Any]:
        """Wanted Proxmox options other than disks, nets, tags and description."""
        row = self.row
        keys: dict[str, Any] = {}
        for option, source, low, high in (
            ("cores", "cores", 1, 512),
            ("sockets", "sockets", 1, 4),
            ("balloon", "balloon_mb", 0, 16777216),
        ):
            number = self.number(source, low, high)
            if number is not None:
                keys[option] = number
        memory = self.number("memory_mb", 16, 16777216)
        if memory is not None:
            keys["memory"] = {"current": str(memory)}
        for option, sub_key, source in (("cpu", "cputype", "cpu_type"), ("machine", "type", "machine")):
            if row.get(source):
                keys[option] = {sub_key: str(row[source])}
        for option, source in (("bios", "bios"), ("scsihw", "scsi_controller"), ("ciuser", "user")):
            if row.get(source):
                keys[option] = str(row[source])
        for option, source in (("onboot", "on_boot"), ("protection", "protection"), ("ciupgrade", "upgrade")):
            if _flag(row.get(source)) is not None:
                keys[option] = int(bool(_flag(row[source])))
        if _flag(row.get("agent")) is not None:
            keys["agent"] = {"enabled": "1" if _flag(row["agent"]) else "0"}
        if _flag(row.get("serial")):
            keys["serial0"] = "socket"
        if row.get("vendor_snippet"):
            keys["cicustom"] = {"vendor": str(row["vendor_snippet"])}
        if row.get("vga"):
            keys["vga"] = {"type": str(row["vga"])}
        if row.get("startup"):
            startup = row["startup"]
            if isinstance(startup, dict):
                keys["startup"] = {str(key): str(value) for key, value in startup.items()}
            else:
                keys["startup"] = {"order": str(startup)} if str(startup).isdigit() else _pairs(str(startup))
        for option, source in (("nameserver", "nameservers"), ("searchdomain", "search_domains")):
            words = row.get(source)
            if words:
                keys[option] = words if isinstance(words, str) else " ".join(str(word) for word in words)
        if row.get("ssh_keys"):
            lines = row["ssh_keys"] if isinstance(row["ssh_keys"], list) else str(row["ssh_keys"]).splitlines()
            for line in lines:
                if "PRIVATE KEY" in str(line):
                    self.bad("ssh_keys holds a private key; give the public one")
            keys["sshkeys"] = encode_keys(str(line) for line in lines)
        return keys

    def disks(self) -> tuple[Disk, ...]:
        disks = []
        for number, entry in enumerate(self.row.get("disks") or []):
            name = str(entry.get("name") or ("system" if number == 0 else f"data{number}"))
            size = self.number("size_gb", 1, 131072, entry)
            if size is None and number > 0:
                self.bad(f"disk {name} has no size_gb")
            options = {
                option: value
                for option, value in (
                    ("discard", None if entry.get("discard") is None else _on_ignore(entry["discard"])),
                    ("ssd", _one_zero(entry.get("ssd"))),
                    ("iothread", _one_zero(entry.get("iothread"))),
                    ("backup", _one_zero(entry.get("backup"))),
                )
                if value is not None
            }
            disks.append(Disk(name, size, entry.get("storage") or self.row.get("storage"), options))
        names = [disk.name for disk in disks]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.bad(f"two disks are called {name}")
        for name in names[1:]:
            if not re.match(r"^[A-Za-z0-9_\-]{1,20}\Z", name):
                self.bad(f"disk name {name!r} is not 1 to 20 letters, digits, - or _ (it becomes the disk's serial)")
        return tuple(disks)

    def nics(self) -> tuple[Nic, ...]:
        nics = []
        routed = {"gw": 0, "gw6": 0}
        for number, entry in enumerate(self.row.get("networks") or []):
            name = str(entry.get("name") or f"eth{number}")
            if not entry.get("bridge"):
                self.bad(f"network {name} has no bridge")
                continue
            mtu = self.number("mtu", 576, 65520, entry)
            tag = self.number("vlan_tag", 1, 4094, entry)
            props: dict[str, str | None] = {
                "bridge": str(entry["bridge"]),
                "tag": None if tag is None else str(tag),
            }
            if mtu is not None:
                props["mtu"] = str(mtu)
            if entry.get("mac"):
                if _MAC.fullmatch(str(entry["mac"])):
                    props["macaddr"] = str(entry["mac"]).upper()
                else:
                    self.bad(f"network {name}: mac {entry['mac']!r} is not like BC:24:11:00:00:01")
            firewall = _one_zero(entry.get("firewall"))
            if firewall is not None:
                props["firewall"] = firewall
            addresses = [str(address) for address in _as_list(entry.get("addresses"))]
            gateways = [str(address) for key in ("gateway", "gateway6") for address in _as_list(entry.get(key))]
            try:
                address = ip_config(addresses, gateways)
            except InfraError as error:
                self.bad(f"network {name}: {error}")
                continue
            for key in routed:
                routed[key] += address[key] is not None
            nics.append(Nic(name, str(entry["bridge"]), mtu, props, address, tuple(addresses)))
        for key, family in (("gw", "IPv4"), ("gw6", "IPv6")):
            if routed[key] > 1:
                self.bad(f"more than one network has a gateway for {family}; give it to one")
        return tuple(nics)


def _as_list(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _flag(value: Any) -> bool | None:
    """True or False of a boolean in any spelling that YAML or a CSV brings; None is not given."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value.strip().lower() in ("1", "on", "yes", "true")
    return bool(value)


def _one_zero(value: Any) -> str | None:
    flag = _flag(value)
    return None if flag is None else str(int(flag))


def _on_ignore(value: Any) -> str:
    return "on" if value == "on" or _flag(value) else "ignore"


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)


def _digest(guest: Guest) -> str:
    """Eight hex digits over the desired state, the same in every run and on every machine."""
    state = {
        key: value
        for key, value in guest.__dict__.items()
        if key not in ("digest", "disks", "nics", "node", "full", "template", "role")
    }
    state["disks"] = [disk.__dict__ for disk in guest.disks]
    state["nics"] = [nic.__dict__ for nic in guest.nics]
    return hashlib.sha256(json.dumps(state, sort_keys=True, default=list).encode()).hexdigest()[:8]
