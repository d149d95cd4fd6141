"""Named formats of parameters. Each check raises ValueError with the text of Proxmox VE."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from lab.pve.roles import PRIVILEGES

_NODE = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
DNS_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
CONFIG_ID = re.compile(r"[a-z][a-z0-9_-]+", re.IGNORECASE)
VOLUME_ID = re.compile(r"[a-z][a-z0-9\-_.]*[a-z0-9]:.+", re.IGNORECASE)
USER_ID = re.compile(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+")
CONTENT_TYPES = ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none")
Check = Callable[[str], None]


def _pattern(pattern: str, text: str, flags: int = 0) -> Check:
    """A check by regular expression; {} in the text is the value."""
    compiled = re.compile(pattern, flags)

    def check(value: str) -> None:
        if not compiled.fullmatch(value):
            raise ValueError(text.replace("{}", value))

    return check


def _address(version: int | None, text: str) -> Check:
    def check(value: str) -> None:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            raise ValueError(text) from None
        if version not in (None, address.version):
            raise ValueError(text)

    return check


def _network(version: int | None, text: str, smallest: dict[int, int]) -> Check:
    """A CIDR with a prefix length; `smallest` is the least prefix allowed per version."""

    def check(value: str) -> None:
        try:
            network = ipaddress.ip_interface(value).network
        except ValueError:
            raise ValueError(text) from None
        if "/" not in value or version not in (None, network.version) or network.prefixlen < smallest[network.version]:
            raise ValueError(text)

    return check


def _either(first: Check, second: Check, text: str) -> Check:
    def check(value: str) -> None:
        for option in (first, second):
            try:
                return option(value)
            except ValueError:
                continue
        raise ValueError(text.replace("{}", value))

    return check


def _mac(value: str) -> None:
    if not re.fullmatch(r"[a-f0-9][02468ace](?::[a-f0-9]{2}){5}", value, re.IGNORECASE):
        raise ValueError("value does not look like a valid unicast MAC address")


def _startup_order(value: str) -> None:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not all(re.fullmatch(r"(order=)?\d+|up=\d+|down=\d+", part) for part in parts):
        raise ValueError("unable to parse startup options")


def _hotplug(value: str) -> None:
    if value not in ("0", "1") and not all(re.fullmatch("network|disk|cpu|memory|usb|cloudinit", part)
                                           for part in re.split(r"[,;\s]+", value) if part):
        raise ValueError("unable to parse hotplug option")


def _content(value: str) -> None:
    if value not in CONTENT_TYPES:
        raise ValueError(f"invalid content type '{value}'")


def _volume_or_path(value: str) -> None:
    if value not in ("none", "cdrom") and not value.startswith("/") and not VOLUME_ID.fullmatch(value):
        raise ValueError(f"unable to parse volume ID '{value}'")


def _privilege(value: str) -> None:
    if value not in PRIVILEGES:
        raise ValueError(f"invalid privilege '{value}'")


def _keyword(*words: str) -> Check:
    def check(value: str) -> None:
        if value not in words:
            raise ValueError("no keyword")

    return check


_IPV4 = _address(4, "value does not look like a valid IPv4 address")
_IPV6 = _address(6, "value does not look like a valid IPv6 address")
_CIDR4 = _network(4, "value does not look like a valid IPv4 network", {4: 0})
_CIDR6 = _network(6, "value does not look like a valid IPv6 network", {6: 0})
_NAME = _pattern(DNS_NAME.pattern, "value does not look like a valid DNS name")
_STORAGE = _pattern(r"[a-z][a-z0-9\-_.]*[a-z0-9]", "storage ID '{}' contains illegal characters", re.IGNORECASE)
_ACCESS_NAME = r"[A-Za-z0-9.\-_]+"

FORMATS: dict[str, Check] = {
    "pve-vmid": _pattern(r"[1-9][0-9]{2,8}", "value does not look like a valid VM ID"),
    "pve-node": _pattern(_NODE, "value does not look like a valid node name"),
    "pve-configid": _pattern(CONFIG_ID.pattern, "invalid configuration ID '{}'", re.IGNORECASE),
    "pve-storage-id": _STORAGE,
    "dns-name": _NAME,
    "mac-addr": _mac,
    "ip": _address(None, "value does not look like a valid IP address"),
    "ipv4": _IPV4,
    "ipv6": _IPV6,
    "address": _either(_address(None, ""), _NAME, "value does not look like a valid address: {}"),
    "CIDR": _network(None, "value does not look like a valid CIDR network", {4: 8, 6: 8}),
    "CIDRv4": _network(4, "value does not look like a valid IPv4 network", {4: 8}),
    "CIDRv6": _network(6, "value does not look like a valid IPv6 network", {6: 8}),
    "FullRangeCIDR": _network(None, "value does not look like a valid CIDR network", {4: 0, 6: 0}),
    "ipv4mask": _pattern(r"255(\.\d{1,3}){3}|\d{1,2}", "value does not look like a valid IP netmask"),
    "pve-ipv4-config": _either(_keyword("dhcp", "manual"), _CIDR4,
                               "value does not look like a valid ipv4 network configuration"),
    "pve-ipv6-config": _either(_keyword("auto", "dhcp", "manual"), _CIDR6,
                               "value does not look like a valid ipv6 network configuration"),
    "urlencoded": _pattern(r"[-%a-zA-Z0-9_.!~*'()]*", "invalid urlencoded string: {}"),
    "pve-userid": _pattern(USER_ID.pattern, "value '{}' does not look like a valid user name"),
    "pve-tokenid": _pattern(rf"{USER_ID.pattern}![A-Za-z][A-Za-z0-9.\-_]+",
                            "value '{}' does not look like a valid token ID"),
    "pve-realm": _pattern(r"[A-Za-z][A-Za-z0-9.\-_]+", "value does not look like a valid realm"),
    "pve-groupid": _pattern(_ACCESS_NAME, "group name '{}' contains invalid characters"),
    "pve-priv": _privilege,
    "pve-roleid": _pattern(_ACCESS_NAME, "role name '{}' contains invalid characters"),
    "pve-poolid": _pattern(rf"{_ACCESS_NAME}(?:/{_ACCESS_NAME}){{0,2}}", "pool name '{}' contains invalid characters"),
    "pve-tag": _pattern(r"[a-z0-9_][a-z0-9_\-+.]*", "invalid characters in tag", re.IGNORECASE),
    "disk-size": _pattern(r"\d+(\.\d+)?[KMGT]?", "value does not look like a valid disk size: {}"),
    "pve-startup-order": _startup_order,
    "pve-hotplug-features": _hotplug,
    "pve-iface": _pattern(r"[a-z][a-z0-9_]{1,20}([:.]\d+)?", "invalid network interface name '{}'", re.IGNORECASE),
    "pve-bridge-id": _pattern(r"[-_.\w]+", "invalid bridge name '{}'"),
    "pve-storage-content": _content,
    "pve-volume-id": _pattern(VOLUME_ID.pattern, "unable to parse volume ID '{}'", re.IGNORECASE),
    "pve-volume-id-or-qm-path": _volume_or_path,
    "pve-volume-id-or-absolute-path": _volume_or_path,
    "pve-qm-bootdev": _pattern(r"(?:scsi|virtio|sata|ide|net|hostpci|usb)\d+", "invalid boot device '{}'"),
    "pve-task-status-type": _pattern("unknown|error|warning|ok", "invalid task status type '{}'"),
    "email": _pattern(r"[\w+\-~]+(\.[\w+\-~]+)*@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*",
                      "value does not look like a valid email address"),
}


def check(name: str, value: str) -> None:
    """Raise ValueError when the value breaks the named format.

    `-list` and `-opt` variants are derived; a name that is not known lets everything pass.
    """
    if name in FORMATS:
        FORMATS[name](value)
    elif name.endswith("-list") and name.removesuffix("-list") in FORMATS:
        for item in split_list(value):
            FORMATS[name.removesuffix("-list")](item)
    elif name.endswith("-opt") and value:
        check(name.removesuffix("-opt"), value)


def split_list(value: str) -> list[str]:
    """Items of a list string: commas, semicolons, blanks and NUL separate."""
    return [item for item in re.split(r"[,;\s\0]+", value) if item]
