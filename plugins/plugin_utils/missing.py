# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new site still lacks. None of it is wrong, so validate passes; P1 cannot begin without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._host_parts import prepares_over_ssh


def missing(site: dict[str, Any], machines: list[dict[str, Any]]) -> list[str]:
    """The gaps of the site's data, each with what to write."""
    defaults = site.get("guest_defaults") or {}
    found = []

    def lacks(key: str) -> list[str]:
        return [machine["name"] for machine in machines if not machine.get(key) and not defaults.get(key)]

    for key, what in (
        ("template", "which template to clone"),
        ("ssh_keys", "at least one public SSH key, or nobody can log in"),
    ):
        names = lacks(key)
        if names:
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            found.append(f"guest_defaults.{key}: {what} (for {shown})")
    bare = [
        machine["name"]
        for machine in machines
        if not defaults.get("storage")
        and not machine.get("storage")
        and not all(disk.get("storage") for disk in machine["disks"])
    ]
    if bare:
        found.append("guest_defaults.storage: the storage on Proxmox for the disks, such as local-lvm")
    if not (site.get("dns") or {}).get("servers") and any(
        text != "dhcp" for machine in machines for interface in machine["networks"] for text in interface["addresses"]
    ):
        found.append("dns.servers: the DNS servers of guests with fixed addresses")
    if prepares_over_ssh(site.get("host_preparation"), site.get("host_bridges_rollback", True)):
        for host in site["proxmox_hosts"]:
            if not host.get("ssh_host_keys"):
                found.append(
                    f"proxmox_hosts: ssh_host_keys of {host['name']}; on that host itself, "
                    "cat /etc/ssh/ssh_host_ed25519_key.pub prints one"
                )
    return found


# What the site's variables may give in place of the environment; secrets never.
_SITE_VARIABLES = {
    "PROXMOX_USER": "proxmox_api_user",
    "PROXMOX_TOKEN_ID": "proxmox_api_token_id",
    "PROXMOX_CA_PATH": "proxmox_api_ca_path",
    "PROXMOX_FINGERPRINT": "proxmox_api_fingerprint",
    "PROXMOX_VALIDATE_CERTS": "proxmox_api_validate_certs",
}


def missing_connection(environment: Mapping[str, str], variables: Mapping[str, Any]) -> list[str]:
    """What the environment and the site's variables lack for talking to Proxmox; values of secrets are not looked at."""
    given = dict(environment)
    for name, variable in _SITE_VARIABLES.items():
        if variables.get(variable) not in (None, ""):
            given[name] = str(variables[variable])
    return _credentials(given) + _certificate(given)


def _credentials(environment: Mapping[str, str]) -> list[str]:
    if environment.get("PROXMOX_TOKEN_ID") or environment.get("PROXMOX_TOKEN_SECRET"):
        wanted = ["PROXMOX_TOKEN_ID", "PROXMOX_TOKEN_SECRET"]
        if "!" not in environment.get("PROXMOX_TOKEN_ID", ""):
            wanted.append("PROXMOX_USER")
    elif environment.get("PROXMOX_PASSWORD") or environment.get("PROXMOX_USER"):
        wanted = ["PROXMOX_USER", "PROXMOX_PASSWORD"]
    else:
        return ["PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET in the environment (or PROXMOX_USER and PROXMOX_PASSWORD)"]
    return [f"{name} in the environment" for name in wanted if not environment.get(name)]


def _certificate(environment: Mapping[str, str]) -> list[str]:
    """Proxmox signs its certificate itself as it comes, so that nobody trusts it by default."""
    if any(environment.get(f"PROXMOX_{name}") for name in ("CA_PATH", "FINGERPRINT", "VALIDATE_CERTS")):
        return []
    return [
        "PROXMOX_FINGERPRINT in the environment (pvenode cert info on the Proxmox host prints it), or PROXMOX_CA_PATH, "
        "a copy of its /etc/pve/pve-root-ca.pem; where a public authority signed its certificate, "
        "PROXMOX_VALIDATE_CERTS=true says so"
    ]


def next_steps(source: str, lacking: list[str], machines: list[dict[str, Any]]) -> list[str]:
    """What a user does next, in order."""
    steps = []
    if lacking:
        steps.append("Fill in what is missing, then run this check again.")
    steps.append(f"ansible-playbook -i {source} detectviz.infra.plan shows what would be made, and changes nothing.")
    if any(machine["node_role"] == "control_plane" for machine in machines):
        steps.append(f"ansible-playbook -i {source} detectviz.infra.site makes the machines, and a cluster of them.")
    else:
        steps.append(f"ansible-playbook -i {source} detectviz.infra.p1_machines makes the machines.")
    containers = [machine["name"] for machine in machines if machine["kind"] == "lxc"]
    if containers:
        steps.append(f"{len(containers)} containers ({', '.join(containers[:3])}, …) are checked but not made yet.")
    return steps
