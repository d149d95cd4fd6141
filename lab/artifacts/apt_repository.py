"""A signed, flat Debian package repository in one folder, as pkgs.k8s.io's are: `deb [signed-by=…] URL /`."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path

from lab.artifacts import debian
from lab.artifacts.debian import Package
from lab.artifacts.signing import Signer


def write(folder: Path, packages: Sequence[Package], signer: Signer) -> None:
    """Write the packages and the signed index into `folder`."""
    files = [debian.write(package, folder) for package in packages]
    index = "\n".join(entry(package, path) for package, path in zip(packages, files, strict=True)).encode()
    indexes = {"Packages": index, "Packages.gz": gzip.compress(index, mtime=0)}
    for name, content in indexes.items():
        (folder / name).write_bytes(content)
    architectures = sorted({package.architecture for package in packages})
    (folder / "Release").write_text(release(indexes, architectures, datetime.now(timezone.utc)))
    signer.sign(folder)


def entry(package: Package, path: Path) -> str:
    """The package's paragraph in the index. `path`: its file."""
    content = path.read_bytes()
    installed_kb = -(-sum(source.stat().st_size for source in package.files.values()) // 1024)
    return debian.control(package, installed_kb) + (
        f"Filename: ./{path.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
    )


def release(indexes: Mapping[str, bytes], architectures: Sequence[str], made: datetime) -> str:
    """The Release file of the folder."""
    sums = "".join(
        f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}\n" for name, content in indexes.items()
    )
    return (
        "Origin: detectviz.infra lab\nLabel: detectviz.infra lab\n"
        f"Date: {format_datetime(made.astimezone(timezone.utc), usegmt=True)}\n"
        f"Architectures: {' '.join(architectures)}\nSHA256:\n{sums}"
    )
