# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference between what the table wants of a guest and its configuration: a pure comparison of parsed values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _property_string as props
from ansible_collections.detectviz.infra.plugins.module_utils._vm_cloud_init import decode_keys, fingerprint
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import (
    cloud_init_drive,
    storage_of,
    system_disk,
)

IN_PLACE = "in place"
NEXT_BOOT = "next boot"  # cloud-init data: stored now, read by the guest when it boots
REBOOT = "needs reboot"

# Options that are property strings, with their default key.
DEFAULT_KEYS = {
    "memory": "current",
    "cpu": "cputype",
    "machine": "type",
    "agent": "enabled",
    "vga": "type",
    "startup": "order",
}
NET_KEY = re.compile(r"^net\d+$")
_ADDRESS = re.compile(r"^ipconfig\d+$")
_CLOUD_INIT = {"name", "ciuser", "sshkeys", "nameserver", "searchdomain", "ciupgrade", "cicustom"}
_LIVE = {"description", "tags", "onboot", "protection", "startup", "balloon"}
# What Proxmox changes on a card that stays in; for all else it takes the card out and puts it in again.
_LIVE_NET = {"bridge", "tag", "firewall", "trunks", "rate", "link_down"}
# Set on a new guest when the table does not speak of them.
_FRESH = {"onboot": 1, "agent": {"enabled": "1"}}
# A clone brings these from its template; a new guest keeps none of them unless the table wants it. The template's login
# (ciuser, sshkeys, cipassword) is not in the list: it stays unless the table gives another; nor is hookscript, which
# only root@pam itself may take away.
_INHERITED = ("protection", "startup", "cicustom", "nameserver", "searchdomain")
_CLOUD_INIT_SLOTS = ("ide2", "ide0", "ide3", "sata5", "scsi30")


@dataclass(frozen=True)
class Change:
    """One option of one guest.

    ``before`` and ``after`` are for people (empty: absent); ``value`` is what is sent, None to delete the option.
    """

    key: str
    before: str
    after: str
    value: str | None
    effect: str = IN_PLACE

    def to_dict(self) -> dict[str, Any]:
        """Plain data for results and plan files."""
        return dict(self.__dict__)


@dataclass
class Difference:
    """All that has to change on one guest.

    ``resizes`` are (disk key, wanted GiB); ``allocates`` tells that storage is taken, so that the call is slow;
    ``needs_volume`` that a value depends on a volume name that only exists after the clone.
    """

    changes: list[Change] = field(default_factory=list)
    resizes: list[tuple[str, int]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    allocates: bool = False
    needs_volume: bool = False


def parse_option(key: str, value: str) -> Any:
    """The value of an option in a form that can be compared."""
    if NET_KEY.match(key):
        return props.parse_net(value)
    if key in DEFAULT_KEYS:
        return props.parse(value, DEFAULT_KEYS[key])
    if _ADDRESS.match(key) or key == "cicustom":
        return props.parse(value)
    if key == "sshkeys":
        return decode_keys(value)
    if key in ("nameserver", "searchdomain"):
        return value.replace(",", " ").split()
    return props.canonical(value)


def merged_value(key: str, present: str | None, wanted: Any) -> str | None:
    """What has to be sent so that the option means what is wanted, or None when it already does."""
    if not isinstance(wanted, dict):
        if present is not None and parse_option(key, present) == parse_option(key, str(wanted)):
            return None
        return str(wanted)
    if key == "machine":
        kind = str(wanted.get("type"))
        if _same_machine(present or "pc", kind):
            return None
        # Proxmox has no i440fx without a version: it is called pc.
        wanted = {**wanted, "type": "pc" if kind == "i440fx" else kind}
    before = parse_option(key, present) if present is not None else {}
    after = props.merge(before, wanted)
    if present is not None and props.same(before, after):
        return None
    return props.render_net(after) if NET_KEY.match(key) else props.render(after, DEFAULT_KEYS.get(key))


def compare_options(guest: Guest, config: dict[str, str], fresh: bool, running: bool) -> list[Change]:
    """Changes of all options but disks, tags and description. ``fresh``: the guest was only just cloned."""
    wanted: dict[str, Any] = {**(_FRESH if fresh else {}), **guest.keys}
    if fresh and "cicustom" in wanted:
        # Of the template's own files none stays.
        wanted["cicustom"] = {**dict.fromkeys(("meta", "network", "user")), **wanted["cicustom"]}
    for number, nic in enumerate(guest.nics):
        wanted[f"net{number}"] = {"model": props.parse_net(config.get(f"net{number}", "virtio"))["model"], **nic.props}
        address = {key: value for key, value in nic.address.items() if value is not None}
        if address or f"ipconfig{number}" in config:
            wanted[f"ipconfig{number}"] = nic.address
    if cloud_init_drive(config) is None and guest.nics:
        slots = _CLOUD_INIT_SLOTS[-1:] if guest.arch == "aarch64" else _CLOUD_INIT_SLOTS
        slot = next(slot for slot in slots if slot not in config)
        boot = system_disk(config)
        wanted[slot] = f"{guest.storage or (storage_of(config[boot]) if boot else 'local')}:cloudinit"
    changes = []
    for key, want in wanted.items():
        value = merged_value(key, config.get(key), want)
        if value is not None and value != "":
            changes.append(_change(key, config, value, running))
        elif value == "":
            changes.append(_change(key, config, None, running))
    for key in config:
        surplus = (NET_KEY.match(key) or _ADDRESS.match(key)) and guest.nics and key not in wanted
        if surplus or (fresh and key in _INHERITED and key not in wanted):
            changes.append(_change(key, config, None, running))
    return changes


def _change(key: str, config: dict[str, str], value: str | None, running: bool) -> Change:
    before = config.get(key)
    when = effect(key, before, value, cards_plug(config)) if running else IN_PLACE
    return Change(key, shown(key, before), shown(key, value), value, when)


def cards_plug(config: dict[str, str]) -> bool:
    """Whether Proxmox may take network cards out of the running guest and put them in. It may unless told otherwise."""
    hotplug = config.get("hotplug", "1")
    return hotplug == "1" or "network" in hotplug.split(",")


def effect(key: str, before: str | None, after: str | None, plug: bool = True) -> str:
    """When a change reaches a running guest. ``plug``: see ``cards_plug``."""
    if key in _CLOUD_INIT or _ADDRESS.match(key):
        return NEXT_BOOT
    if key in _LIVE:
        return IN_PLACE
    if NET_KEY.match(key):
        if before is not None and after is not None:
            old, new = props.parse_net(before), props.parse_net(after)
            if {sub for sub in {**old, **new} if old.get(sub) != new.get(sub)} <= _LIVE_NET:
                return IN_PLACE
        return IN_PLACE if plug else REBOOT
    if re.match(r"^(scsi|virtio)\d+$", key) and before is None:
        return IN_PLACE
    return REBOOT


def shown(key: str, value: str | None) -> str:
    """A value for people: keys by fingerprint, the password never."""
    if value is None:
        return ""
    if key == "sshkeys":
        return ", ".join(fingerprint(line) for line in decode_keys(value))
    return "********" if key == "cipassword" else value


def _same_machine(present: str, wanted: str) -> bool:
    """``q35`` is also ``pc-q35-9.2``; ``i440fx`` and ``pc`` are the machine without a name."""
    kind = props.parse(present, "type").get("type", "")
    if wanted == "q35":
        return kind == "q35" or kind.startswith("pc-q35")
    if wanted in ("pc", "i440fx"):
        return kind == "pc" or kind.startswith("pc-i440fx")
    return kind == wanted
