"""Write Debian binary packages: an `ar` archive of a version, the control files and the files to install."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.artifacts import store

# By this the collection knows such a package, and refuses it on any site but a lab's.
MARK = {"Detectviz-Lab": "made by the lab of detectviz.infra"}
# Every node unpacks these on the machine's own cores; the network between is memory.
COMPRESSION = 1
SERVICE_STARTS = """\
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    deb-systemd-helper unmask {unit} >/dev/null || true
    if deb-systemd-helper --quiet was-enabled {unit}; then
        deb-systemd-helper enable {unit} >/dev/null || true
    fi
    if [ -d /run/systemd/system ]; then
        systemctl --system daemon-reload >/dev/null || true
        deb-systemd-invoke start {unit} >/dev/null || true
    fi
fi
"""
SERVICE_STOPS = """\
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    deb-systemd-invoke stop {unit} >/dev/null || true
fi
"""
SERVICE_GONE = """\
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
fi
if [ "$1" = purge ]; then
    deb-systemd-helper purge {unit} >/dev/null || true
fi
"""


@dataclass(frozen=True)
class Package:
    """One package. `files`: path in the system to a file here; `relations`: further control fields (Depends, …);
    `service`: unit that starts with the package; `configuration`: files a user may edit, kept over upgrades."""

    name: str
    version: str
    architecture: str
    summary: str
    homepage: str
    files: Mapping[str, Path]
    relations: Mapping[str, str] = field(default_factory=dict)
    service: str | None = None
    configuration: Sequence[str] = ()

    @property
    def file_name(self) -> str:
        return f"{self.name}_{self.version}_{self.architecture}.deb"

    def recipe(self) -> list[object]:
        """Plain data that changes when the package does."""
        return [self.name, self.version, self.architecture, self.summary, self.homepage, store.stamps(self.files),
                dict(self.relations), self.service, list(self.configuration), COMPRESSION, SERVICE_STARTS,
                SERVICE_STOPS, SERVICE_GONE, MARK]  # fmt: skip


def control(package: Package, installed_kb: int) -> str:
    """The package's control file."""
    fields = {
        "Package": package.name,
        "Version": package.version,
        "Architecture": package.architecture,
        "Maintainer": "The detectviz.infra lab <root@localhost>",
        "Installed-Size": str(installed_kb),
        **package.relations,
        **MARK,
        "Section": "admin",
        "Priority": "optional",
        "Homepage": package.homepage,
        "Description": package.summary,
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items())


def write(package: Package, folder: Path) -> Path:
    """Write the package into `folder`; the same content gives the same file."""
    data, installed_kb = _data(package)
    texts = {"control": (control(package, installed_kb), 0o644)}
    if package.configuration:
        texts["conffiles"] = ("".join(f"{name}\n" for name in package.configuration), 0o644)
    if package.service:
        for script, text in (("postinst", SERVICE_STARTS), ("prerm", SERVICE_STOPS), ("postrm", SERVICE_GONE)):
            texts[script] = (text.format(unit=package.service), 0o755)
    path = folder / package.file_name
    with path.open("wb") as out:
        out.write(b"!<arch>\n")
        for name, content in (
            ("debian-binary", b"2.0\n"), ("control.tar.gz", _control(texts)), ("data.tar.gz", data),
        ):  # fmt: skip
            out.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode())
            out.write(content + b"\n" * (len(content) % 2))
    return path


def _control(texts: Mapping[str, tuple[str, int]]) -> bytes:
    with _Archive() as archive:
        for name, (text, mode) in texts.items():
            archive.file(f"./{name}", text.encode(), mode)
    return archive.content


def _data(package: Package) -> tuple[bytes, int]:
    size = 0
    folders = {parent for name in package.files for parent in Path(name.lstrip("/")).parents}
    with _Archive() as archive:
        for folder in sorted(folders):
            archive.folder("./" if str(folder) == "." else f"./{folder}/")
        for name, source in sorted(package.files.items()):
            content = source.read_bytes()
            size += len(content)
            archive.file(f"./{name.lstrip('/')}", content, 0o755 if source.stat().st_mode & 0o100 else 0o644)
    return archive.content, -(-size // 1024)


class _Archive:
    """A compressed tar archive in memory, the same for the same content."""

    def __enter__(self) -> _Archive:
        self._buffer = io.BytesIO()
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=COMPRESSION, fileobj=self._buffer, mtime=0)
        self._tar = tarfile.open(fileobj=self._gzip, mode="w|", format=tarfile.GNU_FORMAT)
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()
        self._gzip.close()
        self.content = self._buffer.getvalue()

    def folder(self, name: str) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        self._tar.addfile(entry)

    def file(self, name: str, content: bytes, mode: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), mode
        self._tar.addfile(entry, io.BytesIO(content))
