"""The image registry's storage, as Debian's docker-registry lays it out on disk.

Images are written straight into it, so nothing has to be pushed through a running registry, which is read-only.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lab.artifacts import image as images

TREE = Path("docker/registry/v2")


def add(storage: Path, image: images.Image) -> str:
    """Put an image into the registry's storage; returns its manifest's digest. Fine when it is there already."""
    layer = _write_layer(storage, image)
    configuration = images.configuration(image, layer.digest)
    configuration_blob = _write(storage, configuration)
    manifest_blob = _write(storage, images.manifest(configuration_blob, [layer]))
    repository = storage / TREE / "repositories" / image.name
    for item in (layer, configuration_blob):
        _link(repository / "_layers", item.digest)
    _link(repository / "_manifests/revisions", manifest_blob.digest)
    for tag in image.tags:
        folder = repository / "_manifests/tags" / tag
        _link(folder / "index", manifest_blob.digest)
        _replace(folder / "current/link", manifest_blob.digest.encode())
    return manifest_blob.digest


def tags(storage: Path) -> dict[str, list[str]]:
    """Tags by repository of what the storage holds."""
    found: dict[str, list[str]] = {}
    root = storage / TREE / "repositories"
    for link in sorted(root.glob("**/_manifests/tags/*/current/link")):
        folder = link.parent.parent
        found.setdefault(str(folder.parents[2].relative_to(root)), []).append(folder.name)
    return found


def configuration(storage: Path, address: str, port: int) -> str:
    """The registry's configuration file."""
    return (
        "version: 0.1\n"
        "log: {level: warn, accesslog: {disabled: true}}\n"
        "storage:\n"
        f"  filesystem: {{rootdirectory: {storage}}}\n"
        "  maintenance: {readonly: {enabled: true}, uploadpurging: {enabled: false}}\n"
        f"http: {{addr: '{address}:{port}'}}\n"
    )


def _write_layer(storage: Path, image: images.Image) -> images.Blob:
    storage.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=storage, prefix=".layer-", delete=False) as file:
        layer = images.layer(image.files, file)
    target = _blob_path(storage, layer.digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.chmod(file.name, 0o644)
    os.replace(file.name, target)
    return layer


def _write(storage: Path, content: bytes) -> images.Blob:
    blob = images.blob(content)
    path = _blob_path(storage, blob.digest)
    if not path.exists():
        _replace(path, content)
    return blob


def _blob_path(storage: Path, digest: str) -> Path:
    kind, _, name = digest.partition(":")
    return storage / TREE / "blobs" / kind / name[:2] / name / "data"


def _link(folder: Path, digest: str) -> None:
    _replace(folder / digest.replace(":", "/") / "link", digest.encode())


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(content)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
