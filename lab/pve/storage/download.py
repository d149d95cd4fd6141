"""Fetching files by URL into a storage, as download-url does."""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.pve.errors import ParameterError, TaskError, died
from lab.pve.storage import config, images, volumes

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.pve.tasks import Task

_SUFFIXES = {"iso": (".iso", ".img"), "vztmpl": (".tar.gz", ".tar.xz", ".tar.zst"),
             "import": (".ova", ".qcow2", ".raw", ".vmdk")}
_CHUNK = 1024 * 1024
_TIMEOUT = 30


@dataclass
class Order:
    """A checked request. `volid` is what it will become."""

    storage: str
    content: str
    filename: str
    url: str
    checksum: str | None
    algorithm: str | None
    verify: bool

    @property
    def volid(self) -> str:
        return f"{self.storage}:{self.content}/{self.filename}"


def normalised(filename: str) -> str:
    """As PVE stores the name."""
    return re.sub(r"[^a-zA-Z0-9_.-]", "_", filename.rsplit("/", 1)[-1])


def check(found: dict[str, Any], content: str, filename: str, compression: str | None) -> None:
    """Refused at once: wrong storage, content or name."""
    if found["type"] not in config.FILE_BASED:
        raise died(f"can't upload to storage type '{found['type']}', not a file based storage!")
    if not config.holds(found, content):
        raise died(f"storage '{found['storage']}' is not configured for content-type '{content}'")
    if not filename.endswith(_SUFFIXES[content]):
        text = "invalid filename or wrong extension" if content == "import" else "wrong file extension"
        raise ParameterError({"filename": text})
    if compression and content != "iso":
        raise ParameterError({"compression": f"decompression not supported for {content}"})


async def run(task: Task, node: str, order: Order) -> None:
    """The worker: fetch, check the sum, keep what the header tells. The bytes themselves are not kept."""
    world = task.world
    folder = {"iso": "template/iso", "vztmpl": "template/cache", "import": "import"}[order.content]
    path = f"{config.entry(world, order.storage).get('path', '/mnt/pve/' + order.storage)}/{folder}/{order.filename}"
    task.log(f"downloading {order.url} to {path}")
    present = volumes.find(world, order.volid, node)
    if present:
        if order.checksum and present.get("checksums", {}).get(order.algorithm) == order.checksum.lower():
            task.log("OK, got correct file already, no need to download")
            return
        raise TaskError(f"refusing to override existing file '{path}'")
    failure = world.faults.take("download_failure", node=node, storage=order.storage)
    if failure:
        raise TaskError(str(failure.get("text", "download failed: 416 Connection reset by peer")))
    fetched = await _fetch(order, task.log)
    await task.sleep(fetched["size"] / 1024**2 / world.profile.download_mb_s)
    if order.checksum and order.algorithm:
        task.log("calculating checksum...")
        got = fetched["checksums"][order.algorithm]
        if got != order.checksum.lower():
            raise TaskError(f"checksum mismatch: got '{got}' != expect '{order.checksum}'")
        task.log("OK, checksum verified")
    available = volumes.usage(world, order.storage, node)["avail"]
    if fetched["size"] > available or world.faults.take("storage_full", storage=order.storage, node=node):
        raise TaskError(f"unable to create '{path}': No space left on device")
    fmt, size = images.virtual_size(fetched["header"], fetched["size"])
    if order.content != "import":
        fmt, size = order.filename.rsplit(".", 1)[-1], fetched["size"]
    volumes.add(world, order.volid, node, content=order.content, size=size, used=fetched["size"], format=fmt,
                image_sha256=fetched["checksums"]["sha256"], checksums=fetched["checksums"])
    task.log(f"download of '{order.url}' to '{path}' finished")


async def _fetch(order: Order, log: Callable[[str], None]) -> dict[str, Any]:
    try:
        return await asyncio.to_thread(_fetch_blocking, order)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        log(f"download failed: {reason}")
        raise TaskError(f"download failed: {reason}") from error


def _fetch_blocking(order: Order) -> dict[str, Any]:
    """{size, header, checksums: {algorithm: hex}}"""
    wanted = {"sha256", *([order.algorithm] if order.algorithm else [])}
    sums = {name: hashlib.new(name, usedforsecurity=False) for name in wanted}
    size, header = 0, b""
    with open_url(order.url, order.verify) as answer:
        while chunk := answer.read(_CHUNK):
            header = header or chunk[:images.HEADER_BYTES]
            size += len(chunk)
            for digest in sums.values():
                digest.update(chunk)
    return {"size": size, "header": header, "checksums": {name: digest.hexdigest() for name, digest in sums.items()}}


def open_url(url: str, verify: bool, method: str = "GET") -> Any:
    """An answer to read from. OSError when it cannot be had."""
    context = ssl.create_default_context() if verify else ssl._create_unverified_context()
    return urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=_TIMEOUT, context=context)


def metadata(url: str, verify: bool) -> dict[str, Any]:
    """{filename, size, mimetype} by a HEAD request."""
    try:
        with open_url(url, verify, "HEAD") as answer:
            found: dict[str, Any] = {"filename": normalised(url.split("?", 1)[0])}
            if answer.headers.get("Content-Length"):
                found["size"] = int(answer.headers["Content-Length"])
            if answer.headers.get("Content-Type"):
                found["mimetype"] = answer.headers["Content-Type"].split(";")[0]
            return found
    except urllib.error.HTTPError as error:
        raise died(f"invalid server response: '{error.code} {error.reason}'") from error
    except OSError as error:
        raise died(f"invalid server response: '{getattr(error, 'reason', error)}'") from error
