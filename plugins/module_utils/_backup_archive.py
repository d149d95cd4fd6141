# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive of a backup: a tar with its own list of contents, encrypted for the holder of one key.

Encryption is CMS (RFC 5652) with AES-256-GCM, done by OpenSSL, which every Debian and Ubuntu has. A node is given the
certificate only: it can make backups, and can read none.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from ansible_collections.detectviz.infra.plugins.module_utils._backup_names import PART
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import fingerprint

FORMAT = 1
CONTENTS = "contents.json"
SNAPSHOT = "snapshot.db"
CA = "pki/ca.crt"
CHUNK = 1 << 20
_GIVEN_UP = 3600
"""Seconds in which OpenSSL ends after its input has."""

PKI_FILES = (
    "ca.crt", "ca.key", "sa.pub", "sa.key", "front-proxy-ca.crt", "front-proxy-ca.key", "etcd/ca.crt", "etcd/ca.key",
)  # fmt: skip
"""What makes a cluster itself; every other certificate is made anew from these."""


def write_archive(path: Path, certificate: str, about: Mapping[str, Any], files: Mapping[str, Path | bytes]) -> dict[str, Any]:
    """Writes the encrypted archive ``path``. ``files``: name in the archive → file, or content. ``about``: goes into the list.

    Returns the list of contents: about, ``format`` and ``files`` {name: {sha256, size}}.
    """
    contents = {**about, "format": FORMAT, "files": {name: _measured(source) for name, source in files.items()}}
    part = path.with_name(path.name + PART)
    try:
        with _openssl_encrypting(certificate, part) as sink, gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=3) as zipped:
            with tarfile.open(fileobj=zipped, mode="w|") as archive:
                _add(archive, CONTENTS, json.dumps(contents, indent=1, sort_keys=True).encode())
                for name, source in files.items():
                    _add(archive, name, source)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return contents


def read_archive(path: Path, key_file: str, extract: Path | None = None) -> dict[str, Any]:
    """Decrypts an archive and compares every file with the list; the list, and ``ca`` (SHA-256 of the cluster's CA in it).

    ``key_file``: PEM with key and certificate.
    With ``extract`` the files are written there, for the owner alone. Raises InfraError if anything is not as it was.
    """
    contents: dict[str, Any] = {}
    found: dict[str, dict[str, Any]] = {}
    try:
        with _openssl_decrypting(path, key_file) as source, gzip.GzipFile(fileobj=source) as zipped:
            with tarfile.open(fileobj=zipped, mode="r|") as archive:
                for entry in archive:
                    stream = archive.extractfile(entry)
                    if stream is None or not _is_plain(entry.name):
                        raise InfraError(f"{path} holds {entry.name}, which a backup never does")
                    if not contents:
                        contents = _contents(entry.name, stream.read(), path)
                        continue
                    if entry.name == CA:
                        text = stream.read()
                        contents["ca"] = fingerprint(text.decode("ascii", "replace"))
                        stream = io.BytesIO(text)
                    found[entry.name] = _copied(stream, extract / entry.name if extract else None)
            # The rest of the stream: what authenticates it comes last.
            while zipped.read(CHUNK):
                pass
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise InfraError(f"{path} is damaged: {error}; take another backup") from error
    wrong = [name for name, entry in contents.get("files", {}).items() if found.get(name) != entry]
    if not contents or wrong:
        raise InfraError(f"{path} is damaged: {', '.join(wrong) or 'it is empty'}; take another backup")
    return contents


def _contents(name: str, text: bytes, path: Path) -> dict[str, Any]:
    contents = json.loads(text) if name == CONTENTS else {}
    if contents.get("format") != FORMAT:
        raise InfraError(f"{path} is no backup that this version reads (format {contents.get('format')}, known is {FORMAT})")
    return dict(contents)


def _is_plain(name: str) -> bool:
    """A name that stays below the folder it is extracted to."""
    return not name.startswith("/") and ".." not in name.split("/")


def _measured(source: Path | bytes) -> dict[str, Any]:
    with _opened(source) as stream:
        return _copied(stream, None)


def _copied(stream: IO[bytes], target: Path | None) -> dict[str, Any]:
    """Reads to the end, into a file if one is given: ``{sha256, size}``."""
    digest, size = hashlib.sha256(), 0
    with _writing(target) as write:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            write(chunk)
    return {"sha256": digest.hexdigest(), "size": size}


@contextmanager
def _writing(target: Path | None) -> Iterator[Callable[[bytes], Any]]:
    """Writes to a file for the owner alone; to nothing without one."""
    if target is None:
        yield len
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        yield out.write


@contextmanager
def _opened(source: Path | bytes) -> Iterator[IO[bytes]]:
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        yield stream


def _add(archive: tarfile.TarFile, name: str, source: Path | bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(source) if isinstance(source, bytes) else source.stat().st_size
    entry.mode = 0o600
    with _opened(source) as stream:
        archive.addfile(entry, stream)


@contextmanager
def _openssl_encrypting(certificate: str, path: Path) -> Iterator[IO[bytes]]:
    recipient = os.memfd_create("recipient")
    try:
        os.write(recipient, certificate.encode())
        command = [
            "openssl", "cms", "-encrypt", "-binary", "-stream", "-aes-256-gcm", "-outform", "DER",
            "-recip", f"/proc/self/fd/{recipient}", "-keyopt", "rsa_padding_mode:oaep",
        ]  # fmt: skip
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            process = _started(command, stdin=subprocess.PIPE, stdout=out, pass_fds=[recipient])
            with _ended(process, f"The backup {path} could not be encrypted"):
                source = cast(IO[bytes], process.stdin)
                yield source
                source.close()
            out.flush()
            os.fsync(out.fileno())
    finally:
        os.close(recipient)


@contextmanager
def _openssl_decrypting(path: Path, key_file: str) -> Iterator[IO[bytes]]:
    command = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-recip", key_file]
    with path.open("rb") as archive:
        process = _started(command, stdin=archive, stdout=subprocess.PIPE)
        with _ended(process, f"{path} cannot be decrypted: it is damaged, or was made for another key than {key_file}"):
            yield cast(IO[bytes], process.stdout)


def _started(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    try:
        # run_command holds all output in memory; a database of gigabytes goes through here as a stream.
        return subprocess.Popen(command, stderr=subprocess.PIPE, **options)  # pylint: disable=ansible-bad-function
    except FileNotFoundError as error:
        raise InfraError("openssl is not installed: install the package openssl") from error


@contextmanager
def _ended(process: subprocess.Popen[bytes], problem: str) -> Iterator[None]:
    """OpenSSL's own verdict comes before whatever followed from it."""
    failed: BaseException | None = None
    try:
        yield
    except (OSError, EOFError, zlib.error, tarfile.TarError, InfraError) as error:
        failed = error
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                pass
    errors = cast(IO[bytes], process.stderr)
    said = errors.read().decode(errors="replace").strip().splitlines()
    errors.close()
    # A reader that stopped before the end ends OpenSSL by a signal: then its own reason counts.
    code = process.wait(_GIVEN_UP)
    if code > 0 and not isinstance(failed, InfraError):
        raise InfraError(f"{problem} ({said[0] if said else code})") from failed
    if failed is not None:
        raise failed
