"""Files of a Proxmox host's own system, read from the folder that stands for its root."""

from __future__ import annotations

from pathlib import Path


def regular_file(root: Path, path: str) -> bytes | None:
    """The file at the absolute `path` below `root`; None when there is none. A link out of `root` is none."""
    found = (root / path.lstrip("/")).resolve()
    if not found.is_relative_to(root.resolve()) or not found.is_file():
        return None
    return found.read_bytes()


def files_in(root: Path, folder: str) -> dict[str, int]:
    """{name: size in bytes} of the files in the absolute `folder` below `root`; empty when there is no such folder."""
    found = (root / folder.lstrip("/")).resolve()
    if not found.is_relative_to(root.resolve()) or not found.is_dir():
        return {}
    return {path.name: path.stat().st_size for path in sorted(found.iterdir()) if path.is_file()}
