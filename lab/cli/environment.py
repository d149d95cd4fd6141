"""The environment that points Ansible and Proxmox clients at a lab."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.cli.places import Places


def connection_environment(connection: Mapping[str, Any], places: Places, site: Mapping[str, Any]) -> dict[str, str]:
    """Variables for the clients, from the emulator's connection.json and the site's name."""
    values = {
        "PROXMOX_HOST": connection["host"],
        "PROXMOX_PORT": connection["port"],
        "PROXMOX_USER": connection["user"],
        "PROXMOX_TOKEN_ID": connection["token_id"],
        "PROXMOX_TOKEN_SECRET": connection["token_secret"],
        "PROXMOX_VALIDATE_CERTS": "true",
        "PROXMOX_CA_PATH": connection["ca_path"],
        "ANSIBLE_INVENTORY": inventory(places),
        "ANSIBLE_PRIVATE_KEY_FILE": places.key,
        # Two labs have the same addresses: a kept connection of the other one must not be taken for ours.
        "ANSIBLE_SSH_CONTROL_PATH_DIR": places.folder / "cp",
        "DETECTVIZ_LAB": places.name,
        # Where the collection puts it, once there is a cluster.
        "KUBECONFIG": places.folder / ".state" / str(site.get("site_name")) / "kubeconfig",
    }
    return {name: str(value) for name, value in values.items()}


def inventory(places: Places) -> Path:
    """The inventory source of the lab's copy of the site."""
    sources = sorted(places.site.glob("*.node_table.yml"))
    return sources[0] if sources else places.site


def write_environment(path: Path, values: Mapping[str, str]) -> None:
    """NAME=value lines, readable by the owner only: the token's secret is among them."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def read_environment(path: Path) -> dict[str, str]:
    """This process's environment with the lab's on top."""
    pairs = (line.partition("=") for line in path.read_text().splitlines() if line)
    return {**os.environ, **{name: value for name, _, value in pairs}}
