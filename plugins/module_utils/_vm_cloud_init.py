# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud-init values as Proxmox stores them: percent-encoded keys, address strings, word lists."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Iterable
from urllib.parse import quote, unquote

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError


def encode_keys(keys: Iterable[str]) -> str:
    """``sshkeys`` value: every byte but letters, digits and ``_.-~`` as %XX (a blank is %20, never +)."""
    return quote("\n".join(key.strip() for key in keys if key.strip()), safe="")


def decode_keys(value: str | None) -> list[str]:
    """Public keys of an ``sshkeys`` value, stripped, without blank lines."""
    return [line.strip() for line in unquote(value or "").splitlines() if line.strip()]


def fingerprint(key: str) -> str:
    """``SHA256:...`` of a public key line and its comment, as ssh-keygen prints it; the line itself if unreadable."""
    fields = key.split()
    try:
        digest = hashlib.sha256(base64.b64decode(fields[1], validate=True)).digest()
    except (IndexError, ValueError):
        return key
    return " ".join(["SHA256:" + base64.b64encode(digest).decode().rstrip("=")] + fields[2:])


def ip_config(addresses: Iterable[str], gateways: Iterable[str]) -> dict[str, str | None]:
    """Wanted sub-keys of ``ipconfigN``; None means that the sub-key has to go.

    ``addresses`` are ``192.0.2.1/24``, ``2001:db8::1/64``, ``dhcp``, ``dhcp6`` or ``auto`` (IPv6 by router).
    Raises InfraError for two addresses of one family, since Proxmox can keep only one, and for a text of no kind.
    """
    result: dict[str, str | None] = {"ip": None, "gw": None, "ip6": None, "gw6": None}

    def put(key: str, value: str) -> None:
        if result[key] is not None:
            raise InfraError(f"two values for {key} on one network: {result[key]} and {value}; Proxmox keeps one")
        result[key] = value

    for address in addresses:
        if address == "dhcp":
            put("ip", "dhcp")
        elif address in ("dhcp6", "auto"):
            put("ip6", "dhcp" if address == "dhcp6" else "auto")
        else:
            try:
                parsed = ipaddress.ip_interface(address)
            except ValueError:
                raise InfraError(f"{address!r} is not an address with prefix, such as 192.168.0.11/24") from None
            put("ip" if parsed.version == 4 else "ip6", str(parsed))
    for gateway in gateways:
        try:
            parsed_gateway = ipaddress.ip_address(gateway)
        except ValueError:
            raise InfraError(f"gateway {gateway!r} is not an address") from None
        family = "4" if parsed_gateway.version == 4 else "6"
        put("gw" if family == "4" else "gw6", str(parsed_gateway))
        if result["ip" if family == "4" else "ip6"] is None:
            raise InfraError(f"gateway {gateway} has no IPv{family} address beside it; Proxmox would ignore it")
    return result
