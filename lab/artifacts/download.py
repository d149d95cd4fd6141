"""Fetch a program from where upstream publishes it, and check it against the checksum published beside it."""

from __future__ import annotations

import hashlib
import http.client
import io
import re
import shutil
import tarfile
import urllib.request
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from lab.artifacts.catalogue import Official

PROBE_SECONDS = 5
READ_SECONDS = 60
SHA256 = re.compile(r"\b[0-9a-f]{64}\b")


class DownloadError(RuntimeError):
    """A file could not be fetched, or is not what upstream published; the text says which and why."""


@dataclass(frozen=True)
class Origin:
    """Where official addresses lead: to themselves, or below `mirror` as `<mirror>/<host>/<path>`."""

    mirror: str | None = None

    def url(self, official: str) -> str:
        if self.mirror is None:
            return official
        parts = urlsplit(official)
        return f"{self.mirror.rstrip('/')}/{parts.netloc}{parts.path}"


def reachable(origin: Origin, official: Official) -> bool:
    """Whether upstream answers from this machine; takes at most a few seconds."""
    try:
        _read(origin.url(official.checksums), PROBE_SECONDS)
    except DownloadError:
        return False
    return True


def fetch(origin: Origin, official: Official, target: Path) -> None:
    """Write the program to `target`, executable. Raises DownloadError."""
    url = origin.url(official.url)
    content = _verified(url, origin.url(official.checksums))
    if official.member is None:
        target.write_bytes(content)
    else:
        _unpack(content, official.member, target, url)
    target.chmod(0o755)


def text(origin: Origin, official: str) -> str:
    """A text that upstream publishes without a checksum. Raises DownloadError."""
    return _read(origin.url(official), READ_SECONDS).decode()


def checksum(text: str, name: str) -> str:
    """The SHA-256 of the file `name` in a checksum file: one sum alone, or lines of sum and name."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].lstrip("*./") == name and SHA256.fullmatch(words[0]):
            return words[0]
    alone = SHA256.findall(text)
    if len(alone) != 1:
        raise DownloadError(f"no SHA-256 of {name} in its checksum file")
    return alone[0]


@lru_cache(maxsize=1)
def _verified(url: str, checksums: str) -> bytes:
    """The file's content. The last one is kept: an archive has several programs."""
    wanted = checksum(_read(checksums, READ_SECONDS).decode(), url.rpartition("/")[2])
    content = _read(url, READ_SECONDS)
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise DownloadError(f"{url} has SHA-256 {found}, published is {wanted}: fetch it again, or look who answers")
    return content


def _unpack(archive: bytes, member: str, target: Path, url: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for entry in files:
            if entry.name.removeprefix("./") == member.removeprefix("./") and entry.isfile():
                source = files.extractfile(entry)
                assert source is not None, "a regular file has content"
                with target.open("wb") as out:
                    shutil.copyfileobj(source, out)
                return
    raise DownloadError(f"{url} has no file {member}")


def _read(url: str, seconds: float) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=seconds) as answer:
            return bytes(answer.read())
    except (OSError, http.client.HTTPException) as error:
        # What was cut short is an IncompleteRead, which is no OSError; URLError is one.
        raise DownloadError(f"{url}: {error}") from error
