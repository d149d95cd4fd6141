"""The lab's copy of a site: the same data, and one more file that says what is different in the lab."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab.cli.plan import Plan, image_name

OVERLAY = Path("group_vars/all/zz_lab.yml")
HEADER = "# Written by the lab: what is different from the site that this folder is a copy of.\n"


def overlay(
    site: Mapping[str, Any],
    plan: Plan,
    image_checksum: str,
    host_keys: Sequence[str],
    public_key: str,
    private_key: Path,
    snippets: bool = False,
) -> dict[str, Any]:
    """Site data that replaces the site's own, key by key. `snippets`: the image needs one for its guest agent."""
    guest_defaults = dict(site.get("guest_defaults") or {})
    guest_defaults["ssh_keys"] = [public_key]
    data: dict[str, Any] = {
        "proxmox_hosts": [{**host, "ssh_host_keys": list(host_keys)} for host in site["proxmox_hosts"]],
        "guest_defaults": guest_defaults,
        "ansible_ssh_private_key_file": str(private_key),
        # The lab's Proxmox host is as its installer left it: one bridge, no DNS server.
        "host_preparation": {**(site.get("host_preparation") or {}), "bridges": True, "dns": True, "sysctls": True,
                             **({"snippets": True} if snippets else {})},
    }
    if site.get("templates"):
        data["templates"] = [_template(template, plan, image_checksum) for template in site["templates"]]
    dns = dict(site.get("dns") or {})
    if dns:
        # No internet: guests ask the Proxmox host, and nobody else.
        data["dns"] = {**dns, "servers": [plan.address], "upstream": []}
    return data


def _template(template: Mapping[str, Any], plan: Plan, checksum: str) -> dict[str, Any]:
    name = image_name(template)
    image = {"url": f"{plan.files_url}/{name}", "checksum": f"sha256:{checksum}"}
    return {**template, "image": image}


def write_copy(source: Path, target: Path, data: Mapping[str, Any]) -> None:
    """Copy the site's folder and add the lab's file. What the copy's user has changed is overwritten."""
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".state"))
    sources = sorted(target.glob("*.node_table.yml"))
    for path in sources:
        _read_overlay_too(path, source)
    (target / OVERLAY).write_text(HEADER + yaml.safe_dump(dict(data), sort_keys=True, allow_unicode=True))


def _read_overlay_too(path: Path, source: Path) -> None:
    """Name the overlay among the inventory source's site files; tables outside the folder keep their place."""
    options = yaml.safe_load(path.read_text())
    files = options.get("site") or "group_vars/all/site.yml"
    files = [files] if isinstance(files, str) else list(files)
    options["site"] = [*files, str(OVERLAY)]
    tables = options.get("path") or []
    tables = [tables] if isinstance(tables, str) else list(tables)
    options["path"] = [str((source / table).resolve()) if table.startswith("..") else table for table in tables]
    path.write_text(yaml.safe_dump(options, sort_keys=False, allow_unicode=True))
