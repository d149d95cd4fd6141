"""Copy images from the registries that publish them into the lab's, for one architecture, each blob checked."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

from lab.artifacts import registry
from lab.artifacts.download import DownloadError
from lab.artifacts.store import Say

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
# Names of registries that are not their addresses.
ENDPOINTS = {"docker.io": "https://registry-1.docker.io"}
CHUNK = 1 << 20
READ_SECONDS = 60
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Reference:
    """An image by its full name: registry, repository, tag."""

    registry: str
    name: str
    tag: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """`ghcr.io/kube-vip/kube-vip:v1.2.3`; a tag is needed."""
        host, _, rest = text.partition("/")
        name, _, tag = rest.rpartition(":")
        if not (host and name and tag) or "/" in tag:
            raise DownloadError(f"image {text}: give registry, name and tag")
        return cls(host, name, tag)

    def __str__(self) -> str:
        return f"{self.registry}/{self.name}:{self.tag}"


def pull(
    storage: Path, reference: Reference, architecture: str, say: Say, endpoints: Mapping[str, str] | None = None
) -> None:
    """Put the image under its name and tag into the registry's storage. Raises DownloadError.

    `endpoints`: addresses of registries by name, where they are not https on that name.
    """
    known = {**ENDPOINTS, **(endpoints or {})}
    client = _Client(known.get(reference.registry, f"https://{reference.registry}"), reference)
    manifest = client.manifest(reference.tag)
    content = json.loads(manifest)
    if "manifests" in content:
        manifest = client.manifest(_one_of(content, architecture, reference))
        content = json.loads(manifest)
    blobs = [content["config"]["digest"], *(layer["digest"] for layer in content["layers"])]
    for digest in blobs:
        if not registry.has_blob(storage, digest):
            try:
                registry.store_blob(storage, digest, client.blob(digest))
            except ValueError as error:
                raise DownloadError(f"{reference}: {error}") from error
    registry.publish(storage, reference.name, [reference.tag], manifest, blobs)
    say(f"image: {reference} from upstream")


def _one_of(index: Mapping[str, Any], architecture: str, reference: Reference) -> str:
    for entry in index["manifests"]:
        platform = entry.get("platform", {})
        if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
            return str(entry["digest"])
    raise DownloadError(f"{reference} is not published for linux/{architecture}")


class _Client:
    """One repository of one registry; asks for an anonymous token when the registry wants one."""

    def __init__(self, endpoint: str, reference: Reference) -> None:
        self._base = f"{endpoint}/v2/{reference.name}"
        self._reference = reference
        self._token: str | None = None

    def manifest(self, reference: str) -> bytes:
        """By tag or digest; what a digest names is checked against it."""
        content = b"".join(self._read(f"manifests/{reference}", (*INDEXES, *MANIFESTS)))
        if reference.startswith("sha256:") and registry.digest(content) != reference:
            raise DownloadError(f"{self._reference}: the manifest is not the one that its index names")
        return content

    def blob(self, digest: str) -> Iterator[bytes]:
        return self._read(f"blobs/{digest}")

    def _read(self, path: str, accept: tuple[str, ...] = ()) -> Iterator[bytes]:
        try:
            with self._open(path, accept) as answer:
                while chunk := answer.read(CHUNK):
                    yield chunk
        except (urllib.error.URLError, TimeoutError, OSError) as error:
            raise DownloadError(f"{self._reference}: {self._base}/{path}: {error}") from error

    def _open(self, path: str, accept: tuple[str, ...]) -> Any:
        try:
            return self._request(path, accept)
        except urllib.error.HTTPError as error:
            if error.code != 401 or self._token is not None:
                raise
            self._token = self._new_token(error.headers)
            return self._request(path, accept)

    def _request(self, path: str, accept: tuple[str, ...]) -> Any:
        request = urllib.request.Request(f"{self._base}/{path}")
        if accept:
            request.add_header("Accept", ", ".join(accept))
        if self._token:
            # Not repeated to the storage that a blob's request is sent on to.
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        return urllib.request.urlopen(request, timeout=READ_SECONDS)

    def _new_token(self, headers: HTTPMessage) -> str:
        wanted = dict(CHALLENGE.findall(headers.get("WWW-Authenticate", "")))
        realm = wanted.pop("realm", "")
        query = urllib.parse.urlencode({"scope": f"repository:{self._reference.name}:pull", **wanted})
        with urllib.request.urlopen(f"{realm}?{query}", timeout=READ_SECONDS) as answer:
            given = json.load(answer)
        return str(given.get("token") or given["access_token"])
