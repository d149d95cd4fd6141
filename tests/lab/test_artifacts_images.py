"""Images of the lab: packed from files, taken out of Debian packages, or copied from where they are published."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.artifacts import (
    debian_files,
    download,
    image,
    mirror,
    registry,
    upstream_images,
)
from tests.web_server import serving

STATUS = """\
Package: iptables
Status: install ok installed
Depends: libc6 (>= 2.36), libxtables12 (= 1.8.9-2), netbase | netbase-new, awk

Package: libc6
Status: install ok installed
Depends: libgcc-s1

Package: libgcc-s1
Status: install ok installed

Package: libxtables12
Status: install ok installed
Pre-Depends: libc6

Package: netbase-new
Status: install ok installed

Package: mawk
Status: install ok installed
Provides: awk

Package: gone
Status: deinstall ok config-files
"""


def quiet(_: str) -> None:
    """Progress that nobody reads."""


def test_an_image_is_a_configuration_a_manifest_and_a_layer_by_their_digests(tmp_path: Path) -> None:
    (tmp_path / "pause").write_text("program")
    (tmp_path / "pause").chmod(0o755)
    (tmp_path / "link").symlink_to("pause")
    packed = image.Image("pause", ["1", "latest"], {"usr/bin/pause": tmp_path / "pause", "link": tmp_path / "link"},
                         entrypoint=["/usr/bin/pause"], labels={"a": "b"})  # fmt: skip
    storage = tmp_path / "registry"
    digest = registry.add(storage, packed)
    assert registry.add(storage, packed) == digest
    assert registry.tags(storage) == {"pause": ["1", "latest"]}
    manifest = json.loads(blob(storage, digest))
    configuration = json.loads(blob(storage, manifest["config"]["digest"]))
    assert configuration["config"]["Entrypoint"] == ["/usr/bin/pause"]
    (layer,) = manifest["layers"]
    assert configuration["rootfs"]["diff_ids"] == [layer["digest"]]
    content = blob(storage, layer["digest"])
    assert len(content) == layer["size"]
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        entries = {entry.name: entry for entry in archive}
    assert entries["usr/bin/pause"].mode == 0o755 and entries["usr/bin"].isdir()
    assert entries["link"].issym() and entries["link"].linkname == "pause"


def test_a_tag_follows_what_it_is_made_from_also_back_again(tmp_path: Path) -> None:
    storage = tmp_path / "registry"
    versions = []
    for name in ("old", "new"):
        (tmp_path / name).write_text(name)
        versions.append(image.Image("tool", ["v1"], {"tool": tmp_path / name}))
    said: list[str] = []
    for packed in (versions[0], versions[1], versions[1], versions[0]):
        mirror.add_images(said.append, storage, [packed])
        link = storage / registry.TREE / "repositories/tool/_manifests/tags/v1/current/link"
        layer = json.loads(blob(storage, link.read_text()))["layers"][0]["digest"]
        with tarfile.open(fileobj=io.BytesIO(blob(storage, layer))) as archive:
            assert archive.extractfile("tool").read() == packed.files["tool"].read_bytes()
    assert said == ["image: tool:v1"] * 3


def blob(storage: Path, digest: str) -> bytes:
    """A blob of the registry's storage; its name is its content's."""
    name = digest.removeprefix("sha256:")
    content = (storage / registry.TREE / "blobs/sha256" / name[:2] / name / "data").read_bytes()
    assert hashlib.sha256(content).hexdigest() == name
    return content


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join), max_size=6))
def test_every_folder_above_a_file_is_in_the_layer(names: list[str]) -> None:
    made = image.folders({name: Path("/dev/null") for name in names})
    assert made == {"/".join(name.split("/")[:count]) for name in names for count in range(1, name.count("/") + 1)}


def test_packages_come_with_all_they_depend_on() -> None:
    wanted = debian_files.closure(STATUS, ["iptables"])
    assert wanted == ["iptables", "libc6", "libgcc-s1", "libxtables12", "mawk", "netbase-new"]
    with pytest.raises(KeyError, match="gone"):
        debian_files.closure(STATUS, ["gone"])


def test_files_of_a_package_come_with_the_names_that_alternatives_give_them(tmp_path: Path) -> None:
    for name in ("usr/sbin", "etc/alternatives", "var/lib/dpkg/info", "usr/share/doc/tool"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "usr/sbin/tool-new").write_text("program")
    (tmp_path / "usr/share/doc/tool/copyright").touch()
    (tmp_path / "usr/sbin/tool").symlink_to("/etc/alternatives/tool")
    (tmp_path / "etc/alternatives/tool").symlink_to("/usr/sbin/tool-new")
    (tmp_path / "etc/alternatives/README").touch()
    (tmp_path / "var/lib/dpkg/status").write_text("Package: tool\nStatus: install ok installed\n")
    (tmp_path / "var/lib/dpkg/info/tool.list").write_text("/.\n/usr/sbin/tool-new\n/usr/share/doc/tool/copyright\n")
    assert set(debian_files.files_of(tmp_path, ["tool"])) == {
        "usr/sbin/tool-new",
        "usr/sbin/tool",
        "etc/alternatives/tool",
    }


@contextlib.contextmanager
def published(storage: Path) -> Iterator[str]:
    """A registry with an image for two architectures, which gives a token to whoever asks and wants it shown."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/token?"):
                assert "scope=repository%3Atools%2Ftool%3Apull" in self.path and "service=here" in self.path
                return self.answer(200, b'{"token": "shown"}')
            if self.headers["Authorization"] != "Bearer shown":
                host = f"http://127.0.0.1:{self.server.server_port}"
                return self.answer(401, b"", f'Bearer realm="{host}/token",service="here"')
            _, _, _, _, kind, name = self.path.split("/")
            digest = tags.get(name, name)
            path = storage / registry.TREE / "blobs/sha256" / digest[7:9] / digest[7:] / "data"
            assert kind in ("manifests", "blobs")
            return self.answer(200, path.read_bytes()) if path.exists() else self.answer(404, b"")

        def answer(self, code: int, content: bytes, challenge: str | None = None) -> None:
            self.send_response(code)
            if challenge:
                self.send_header("WWW-Authenticate", challenge)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    entries = []
    for architecture in ("arm64", "amd64"):
        file = storage / architecture
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"program for {architecture}")
        made = image.Image("tools/tool", ["none"], {"tool": file}, architecture=architecture)
        platform = {"os": "linux", "architecture": architecture}
        entries.append({"digest": registry.add(storage, made), "platform": platform})
    index = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    tags = {"v1": registry.publish(storage, "tools/tool", ["v1"], index, [])}
    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}"


def test_a_published_image_is_copied_for_one_architecture(tmp_path: Path) -> None:
    storage = tmp_path / "copy"
    wanted = upstream_images.Reference.parse("example.org/tools/tool:v1")
    with published(tmp_path / "published") as url:
        upstream_images.pull(storage, wanted, "amd64", quiet, {"example.org": url})
        with pytest.raises(download.DownloadError, match="tool:v1 is not published for linux/s390x"):
            upstream_images.pull(storage, wanted, "s390x", quiet, {"example.org": url})
        other = upstream_images.Reference.parse("example.org/tools/tool:v2")
        with pytest.raises(download.DownloadError, match="tools/tool/manifests/v2: HTTP Error 404"):
            upstream_images.pull(storage, other, "amd64", quiet, {"example.org": url})
    assert registry.tags(storage) == {"tools/tool": ["v1"]}
    link = storage / registry.TREE / "repositories/tools/tool/_manifests/tags/v1/current/link"
    layer = json.loads(blob(storage, link.read_text()))["layers"][0]["digest"]
    with tarfile.open(fileobj=io.BytesIO(blob(storage, layer))) as archive:
        assert archive.extractfile("tool").read() == b"program for amd64"


def test_a_blob_that_is_not_its_digests_content_is_refused_and_not_kept(tmp_path: Path) -> None:
    storage = tmp_path / "published"
    wanted = upstream_images.Reference.parse("example.org/tools/tool:v1")
    with published(storage) as url:
        for path in storage.glob("docker/registry/v2/blobs/sha256/*/*/data"):
            if b"program for amd64" in path.read_bytes():
                path.write_bytes(b"something else")
        with pytest.raises(download.DownloadError, match="wanted is sha256:"):
            upstream_images.pull(tmp_path / "copy", wanted, "amd64", quiet, {"example.org": url})
    assert registry.tags(tmp_path / "copy") == {}
    assert not list((tmp_path / "copy").glob(".blob-*"))


@pytest.mark.parametrize("text", ["tool", "example.org/tool", "example.org:5000/tool", "example.org/tool:"])
def test_an_image_without_registry_or_tag_is_refused(text: str) -> None:
    with pytest.raises(download.DownloadError, match="give registry, name and tag"):
        upstream_images.Reference.parse(text)
