"""The image registry's storage, as Debian's docker-registry lays it out on disk.

Images are written straight into it, so nothing has to be pushed through a running registry, which is read-only.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.artifacts import image as images

TREE = Path("docker/registry/v2")


def add(storage: Path, image: images.Image) -> str:
    """Put an image into the registry's storage; returns its manifest's digest. Fine when it is there already."""
    layer = _write_layer(storage, image)
    configuration_blob = _write(storage, images.configuration(image, layer.digest))
    content = images.manifest(configuration_blob, [layer])
    return publish(storage, image.name, image.tags, content, [layer.digest, configuration_blob.digest])


def publish(storage: Path, name: str, tags: Sequence[str], manifest: bytes, blobs: Sequence[str]) -> str:
    """Put a manifest under tags of the repository `name`; returns its digest. `blobs`: digests that it names, which
    the storage has."""
    digest = _write(storage, manifest).digest
    repository = storage / TREE / "repositories" / name
    for item in blobs:
        _link(repository / "_layers", item)
    _link(repository / "_manifests/revisions", digest)
    for tag in tags:
        folder = repository / "_manifests/tags" / tag
        _link(folder / "index", digest)
        _replace(folder / "current/link", digest.encode())
    return digest


def digest(content: bytes) -> str:
    return images.blob(content).digest


def has_blob(storage: Path, digest: str) -> bool:
    return _blob_path(storage, digest).exists()


def store_blob(storage: Path, digest: str, chunks: Iterable[bytes]) -> None:
    """Put content into the storage. Raises ValueError when it is not what its digest says."""
    storage.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=storage, prefix=".blob-", delete=False) as file:
        for chunk in chunks:
            sha256.update(chunk)
            file.write(chunk)
    if digest != f"sha256:{sha256.hexdigest()}":
        os.unlink(file.name)
        raise ValueError(f"content has the digest sha256:{sha256.hexdigest()}, wanted is {digest}")
    _move(Path(file.name), _blob_path(storage, digest))


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
    _move(Path(file.name), _blob_path(storage, layer.digest))
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
    _move(Path(file.name), path)


def _move(made: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    made.chmod(0o644)
    made.replace(target)
