"""The cloud-init seed that Proxmox VE generates from a configuration (NoCloud)."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import Any
from urllib.parse import unquote

from lab.pve.qemu import nets, propstring

KEYS = ("cicustom", "cipassword", "citype", "ciupgrade", "ciuser", "nameserver", "searchdomain", "sshkeys")
_SHADOW = re.compile(r"^\$(?:[156]|2[ay])(?:\$.+){2,}")
_PUBLIC_KEY = re.compile(r"^(?:[^\s]+\s+)*?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+|sk-[\w@.-]+)\s+"
                         r"[A-Za-z0-9+/]+=*(?:\s.*)?$")


def is_key(key: str) -> bool:
    """Is this a cloud-init option? They change at once, running or not, and reach the guest with its next seed."""
    return key in KEYS or re.fullmatch(r"ipconfig\d+", key) is not None


def hashed(password: str) -> str:
    """The password as it is stored: hashed unless it already is."""
    if _SHADOW.match(password):
        return password
    # only the shape of sha256-crypt: Python has no crypt any more, and no emulated guest checks passwords
    salt = hashlib.sha256(password.encode()).hexdigest()[:8]
    return f"$5${salt}${hashlib.sha256((salt + password).encode()).hexdigest()[:43]}"


def valid_keys(encoded: str) -> bool:
    """Are the decoded lines public SSH keys?"""
    lines = [line for line in unquote(encoded).splitlines() if line.strip() and not line.startswith("#")]
    return all(_PUBLIC_KEY.match(line.strip()) for line in lines)


def hostname_and_domain(config: dict[str, Any], vmid: int) -> tuple[str, str | None]:
    """(hostname, fully qualified name or None)"""
    name = config.get("name") or f"VM{vmid}"
    if "." in name:
        return name.split(".", 1)[0], name
    search = str(config.get("searchdomain", "")).split()
    return name, f"{name}.{search[0]}" if search else None


def user_data(config: dict[str, Any], vmid: int) -> str:
    hostname, fqdn = hostname_and_domain(config, vmid)
    user = config.get("ciuser")
    lines = ["#cloud-config", f"hostname: {hostname}", "manage_etc_hosts: true"]
    if fqdn:
        lines.append(f"fqdn: {fqdn}")
    if user:
        lines.append(f"user: {user}")
    if user == "root":
        lines.append("disable_root: False")
    if config.get("cipassword"):
        lines.append(f"password: {config['cipassword']}")
    keys = [line.strip() for line in unquote(str(config.get("sshkeys", ""))).splitlines() if line.strip()]
    if keys:
        lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)]
    lines += ["chpasswd:", "  expire: False"]
    if user != "root":
        lines += ["users:", "  - default"]
    lines.append(f"package_upgrade: {'true' if propstring.truth(config.get('ciupgrade', 1)) else 'false'}")
    return "\n".join(lines) + "\n"


def network_config(config: dict[str, Any], host_dns: dict[str, Any] | None = None) -> str:
    """Version 1. `host_dns` {servers: [], search: []} stands in when the guest has none of its own."""
    lines = ["version: 1", "config:"]
    for index, net in nets.of(config):
        lines += ["    - type: physical", f"      name: eth{index}"]
        if net.get("macaddr"):
            lines.append(f"      mac_address: '{net['macaddr'].lower()}'")
        subnets = _subnets(propstring.parse(str(config.get(f"ipconfig{index}", ""))))
        if subnets:
            lines += ["      subnets:", *subnets]
    host_dns = host_dns or {}
    servers = str(config.get("nameserver", "")).replace(",", " ").split() or list(host_dns.get("servers", []))
    search = str(config.get("searchdomain", "")).replace(",", " ").split() or list(host_dns.get("search", []))
    if servers or search:
        lines.append("    - type: nameserver")
        if servers:
            lines += ["      address:", *(f"      - '{server}'" for server in servers)]
        if search:
            lines += ["      search:", *(f"      - '{domain}'" for domain in search)]
    return "\n".join(lines) + "\n"


def _subnets(ip: dict[str, str]) -> list[str]:
    lines = []
    address = ip.get("ip")
    if address == "dhcp":
        lines.append("      - type: dhcp4")
    elif address:
        interface = ipaddress.ip_interface(address)
        lines += ["      - type: static", f"        address: '{interface.ip}'",
                  f"        netmask: '{interface.netmask}'"]
        if ip.get("gw"):
            lines.append(f"        gateway: '{ip['gw']}'")
    address6 = ip.get("ip6")
    if address6 == "dhcp":
        lines.append("      - type: dhcp6")
    elif address6 == "auto":
        lines.append("      - type: ipv6_slaac")
    elif address6:
        lines += ["      - type: static6", f"        address: '{address6}'"]
        if ip.get("gw6"):
            lines.append(f"        gateway: '{ip['gw6']}'")
    return lines


def seed(config: dict[str, Any], vmid: int, host_dns: dict[str, Any] | None = None,
         custom: dict[str, str] | None = None) -> dict[str, str]:
    """The four files; `custom` {user, network, meta, vendor} are texts of cicustom's files, in place of our own.

    The instance id changes when, and only when, user or network data do: vendor data alone makes no new instance.
    """
    custom = custom or {}
    user = custom.get("user", user_data(config, vmid))
    network = custom.get("network", network_config(config, host_dns))
    return {"user-data": user, "network-config": network, "vendor-data": custom.get("vendor", ""),
            "meta-data": custom.get("meta", f"instance-id: {instance_id(user, network)}\n")}


def instance_id(user: str, network: str) -> str:
    return hashlib.sha1((user + network).encode(), usedforsecurity=False).hexdigest()


def used_values(config: dict[str, Any]) -> dict[str, str]:
    """What the seed is made of, as [special:cloudinit] remembers it."""
    values = {key: str(value) for key, value in config.items() if is_key(key)}
    if config.get("name"):
        values["name"] = str(config["name"])
    values.update({f"net{index}": net["macaddr"] for index, net in nets.of(config) if "macaddr" in net})
    return values


def changes(used: dict[str, str], config: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of GET cloudinit: the value in the image, and what the next one will have."""
    wanted = used_values(config)
    rows = []
    for key in sorted({*used, *wanted}):
        row: dict[str, Any] = {"key": key}
        if key in used:
            row["value"] = _shown(key, used[key])
        if key not in wanted:
            row["delete"] = 1
        elif wanted[key] != used.get(key):
            row["pending"] = _shown(key, wanted[key])
        rows.append(row)
    return rows


def _shown(key: str, value: str) -> str:
    return "**********" if key == "cipassword" else value
