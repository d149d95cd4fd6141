"""Pack container images: one layer of files, a configuration and a manifest, as the OCI image specification has them.

Everything is a function of the files' content, so the same image has the same digest on every machine.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from lab.artifacts import store

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Image:
    """What goes into an image.

    `name`: repository as a registry has it, without host (`kube-proxy`, `calico/node`); `tags`: at least one;
    `files`: path in the image to a file here (symbolic links are kept, the mode is the file's);
    `entrypoint`, `command`, `environment` (`NAME=value`), `labels`, `user`: of its configuration.
    """

    name: str
    tags: Sequence[str]
    files: Mapping[str, Path]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Sequence[str] = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    architecture: str = "amd64"

    def recipe(self) -> list[object]:
        """Plain data that changes when the image does."""
        return [self.name, list(self.tags), store.stamps(self.files), list(self.entrypoint), list(self.command),
                list(self.environment), dict(self.labels), self.user, self.architecture]  # fmt: skip


@dataclass(frozen=True)
class Blob:
    """Content by its digest (`sha256:…`)."""

    digest: str
    size: int


def layer(files: Mapping[str, Path], out: BinaryIO) -> Blob:
    """Write `files` and the folders they lie in as a tar archive to `out`."""
    hashed = _Hashed(out)
    with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for folder in sorted(folders(files)):
            entry = _entry(folder, tarfile.DIRTYPE, 0o1777 if folder in ("tmp", "var/tmp") else 0o755)
            archive.addfile(entry)
        for name, source in sorted(files.items()):
            _add(archive, name.lstrip("/"), source)
    return Blob(f"sha256:{hashed.sha256.hexdigest()}", hashed.size)


def configuration(image: Image, layer_digest: str) -> bytes:
    """The image's configuration as JSON."""
    process = {
        "Entrypoint": list(image.entrypoint), "Cmd": list(image.command), "Env": list(image.environment),
        "Labels": dict(image.labels), "User": image.user,
    }  # fmt: skip
    content = {
        "architecture": image.architecture,
        "os": "linux",
        "config": {name: value for name, value in process.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
    }
    return _json(content)


def manifest(configuration_blob: Blob, layers: Sequence[Blob]) -> bytes:
    """The image's manifest as JSON."""
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": configuration_blob.digest, "size": configuration_blob.size},
        "layers": [{"mediaType": LAYER, "digest": item.digest, "size": item.size} for item in layers],
    }
    return _json(content)


def blob(content: bytes) -> Blob:
    return Blob(f"sha256:{hashlib.sha256(content).hexdigest()}", len(content))


def folders(files: Mapping[str, Path]) -> set[str]:
    """Folders that hold the files, without a slash at the beginning."""
    found = set()
    for name in files:
        parts = name.strip("/").split("/")[:-1]
        found.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return found


def _add(archive: tarfile.TarFile, name: str, source: Path) -> None:
    if source.is_symlink():
        entry = _entry(name, tarfile.SYMTYPE, 0o777)
        entry.linkname = str(source.readlink())
        archive.addfile(entry)
        return
    status = source.stat()
    entry = _entry(name, tarfile.REGTYPE, status.st_mode & 0o755)
    entry.size = status.st_size
    with source.open("rb") as content:
        archive.addfile(entry, content)


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry


def _json(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


class _Hashed(io.RawIOBase):
    """A writer that knows digest and size of what went through it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.sha256 = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.sha256.update(data)
        self.size += len(data)
        return self._out.write(data)
