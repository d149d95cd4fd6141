"""What stands for the internet: programs, packages, images; how they are made, checked and kept."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import json
import os
import subprocess
import tarfile
import threading
import urllib.parse
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.artifacts import (
    apt_repository,
    catalogue,
    debian,
    debian_files,
    download,
    go_caches,
    image,
    mirror,
    packages,
    registry,
    store,
    toolchain,
    wrapper,
)
from lab.artifacts.programs import Workshop
from lab.artifacts.signing import Signer
from lab.cli import kubernetes
from lab.nodes.commands import run

RELEASE = catalogue.release(catalogue.DEFAULT_MINOR)
PROGRAMS = {program.name: program for program in catalogue.programs(RELEASE)}
UPSTREAM_GO_MOD = (
    "module k8s.io/kubernetes\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/other/thing v0.0.0\n\tk8s.io/api v0.0.0\n"
    "\tk8s.io/client-go v0.0.0 // indirect\n)\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n"
    "\tk8s.io/client-go => ./staging/src/k8s.io/client-go\n\tk8s.io/sample => ./staging/src/k8s.io/sample\n)\n"
)
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


# --- the catalogue and the store


def test_every_release_has_what_a_cluster_is_made_of() -> None:
    for release in catalogue.RELEASES.values():
        names = [program.name for program in catalogue.programs(release)]
        assert len(names) == len(set(names))
        assert {*catalogue.KUBERNETES, "etcd", "etcdctl", "etcdutl", "coredns", "containerd", "loopback"} <= set(names)
        assert release.kubernetes.startswith(f"v{release.minor}.")


def test_an_unknown_minor_is_refused_with_the_known_ones() -> None:
    with pytest.raises(catalogue.UnknownMinor, match="1.99 is not in the lab's catalogue, which has .*1.36"):
        catalogue.release("1.99")


def test_a_programs_key_changes_with_its_version_but_not_with_where_it_is_published() -> None:
    kubelet = PROGRAMS["kubelet"]
    elsewhere = catalogue.Official("https://example.org/kubelet", "https://example.org/kubelet.sha256")
    values = {name: getattr(kubelet, name) for name in kubelet.__dataclass_fields__}
    assert catalogue.Program(**{**values, "official": elsewhere}).key == kubelet.key
    assert catalogue.Program(**{**values, "version": "v1.36.99"}).key != kubelet.key


@pytest.mark.parametrize(
    ("site", "minor"), [({}, "1.36"), ({"kubernetes_version": "1.35"}, "1.35"), ({"kubernetes_version": "v1.35.8"}, "1.35")]
)
def test_the_minor_version_is_the_sites(site: dict[str, str], minor: str) -> None:
    assert kubernetes.minor_of(site) == minor


def test_only_a_site_with_an_address_for_the_api_has_a_cluster() -> None:
    assert kubernetes.has_cluster({"vip": {"address": "192.0.2.1"}})
    assert not kubernetes.has_cluster({"kubernetes_version": "1.36"})


def test_what_fails_half_way_is_made_afresh(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError):
        store.once(tmp_path, "thing", "1", fail)
    made = store.once(tmp_path, "thing", "1", lambda folder: (folder / "whole").touch())
    assert [path.name for path in made.iterdir()] == ["whole"]
    assert store.once(tmp_path, "thing", "1", fail) == made


# --- compiling


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("go version go1.26.8 linux/amd64", (1, 26, 8)), ("go version go1.27 linux/arm64", (1, 27)),
     ("go version devel +abc", (0,))],
)  # fmt: skip
def test_the_version_of_go_is_read_from_what_it_prints(text: str, numbers: tuple[int, ...]) -> None:
    assert toolchain.parse_version(text) == numbers


def test_the_wrapper_requires_kubernetes_libraries_under_their_published_version() -> None:
    text = wrapper.go_mod(PROGRAMS["kubeadm"], [UPSTREAM_GO_MOD])
    assert "go 1.26.0\n" in text
    assert f"require k8s.io/kubernetes {RELEASE.kubernetes}\n" in text
    published = "v0" + RELEASE.kubernetes[2:]
    for module in ("k8s.io/api", "k8s.io/client-go"):
        assert f"replace {module} => {module} {published}\n" in text
        assert f"require {module} {published}\n" in text
    assert "require k8s.io/sample " not in text and "require github.com/other/thing" not in text


def test_the_wrapper_takes_the_newest_language_of_its_modules() -> None:
    text = wrapper.go_mod(PROGRAMS["etcdctl"], ["go 1.9\n", "module x\ngo 1.24.0\n", "go 1.23.7\n"])
    assert "go 1.24.0\n" in text
    assert text.count("require ") == 3


def test_the_caches_are_dropped_only_above_their_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = toolchain.find(Path(os.environ.get("DETECTVIZ_CACHE", Path.home() / ".cache/detectviz-infra")), quiet)
    own = toolchain.Toolchain(found.go, tmp_path / "go")
    (own.caches / "build/00").mkdir(parents=True)
    (own.caches / "build/00/entry-d").write_bytes(b"x" * 100_000)
    said: list[str] = []
    go_caches.drop_when_large(own, said.append)
    assert (own.caches / "build/00/entry-d").exists() and not said
    monkeypatch.setenv(go_caches.LIMIT_VARIABLE, "0.00001")
    with go_caches.in_use(own.caches):
        go_caches.drop_when_large(own, said.append)
        assert (own.caches / "build/00/entry-d").exists() and not said
    go_caches.drop_when_large(own, said.append)
    assert not (own.caches / "build/00/entry-d").exists()
    assert "dropped" in said[0]


# --- downloading


@contextlib.contextmanager
def upstream(folder: Path) -> Iterator[str]:
    """A server with upstream's layout: <folder>/<host>/<path>."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *arguments: Handler(*arguments, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def publish(folder: Path, program: catalogue.Program, content: bytes) -> None:
    """Put a program where upstream has it, with its checksum file in upstream's own form."""
    address = urllib.parse.urlsplit(program.official.url)
    path = folder / address.netloc / address.path.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    if program.official.member:
        with tarfile.open(path, "w:gz") as archive:
            entry = tarfile.TarInfo(program.official.member)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    else:
        path.write_bytes(content)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    sums = folder / address.netloc / urllib.parse.urlsplit(program.official.checksums).path.lstrip("/")
    alone = program.official.checksums.startswith("https://dl.k8s.io/")
    others = "" if alone else f"{'0' * 64}  another-file.tar.gz\n"
    sums.write_text(checksum if alone else f"{others}{checksum}  {path.name}\n")


@pytest.mark.parametrize("name", ["kubelet", "etcdctl", "coredns", "portmap", "containerd"])
def test_a_program_is_downloaded_from_upstreams_layout_and_kept(tmp_path: Path, name: str) -> None:
    program = PROGRAMS[name]
    publish(tmp_path / "www", program, b"\x7fELF of " + name.encode())
    with upstream(tmp_path / "www") as url:
        shop = Workshop(tmp_path / "cache", quiet, "auto", download.Origin(url))
        path = shop.get([program])[name]
        assert path.read_bytes() == b"\x7fELF of " + name.encode()
        assert path.stat().st_mode & 0o111
        assert json.loads((path.parent / "made.json").read_text())["source"] == "upstream"
    offline = Workshop(tmp_path / "cache", quiet, "download", download.Origin("http://127.0.0.1:9"))
    assert offline.get([program]) == {name: path}


def test_a_program_that_is_not_what_upstream_published_is_refused_and_not_kept(tmp_path: Path) -> None:
    program = PROGRAMS["kubeadm"]
    publish(tmp_path / "www", program, b"good")
    (tmp_path / "www/dl.k8s.io" / urllib.parse.urlsplit(program.official.url).path.lstrip("/")).write_bytes(b"evil")
    with upstream(tmp_path / "www") as url:
        shop = Workshop(tmp_path / "cache", quiet, "download", download.Origin(url))
        with pytest.raises(download.DownloadError, match="published is .*: fetch it again"):
            shop.get([program])
    assert not list((tmp_path / "cache/artifacts/programs").glob("kubeadm-*"))


def test_where_upstream_does_not_answer_programs_are_to_be_built() -> None:
    assert not download.reachable(download.Origin("http://127.0.0.1:9"), PROGRAMS["kubelet"].official)


@pytest.mark.parametrize("text", ["", "no sum here", f"{'a' * 64}  other\n{'b' * 64}  more\n"])
def test_a_checksum_file_without_the_files_sum_is_an_error(text: str) -> None:
    with pytest.raises(download.DownloadError, match="no SHA-256 of wanted.tar.gz"):
        download.checksum(text, "wanted.tar.gz")


# --- packages


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).write_text(f"#!/bin/sh\necho {name}\n")
        (folder / name).chmod(0o755)
    return {name: folder / name for name in PROGRAMS}


def test_the_packages_are_ones_that_dpkg_reads(tmp_path: Path, programs: dict[str, Path]) -> None:
    made = [*packages.kubernetes(RELEASE, programs), *packages.containerd(RELEASE, programs)]
    assert [package.name for package in made] == ["kubeadm", "kubelet", "kubectl", "kubernetes-cni", "containerd.io"]
    for package in made:
        path = debian.write(package, tmp_path)
        fields = run("dpkg-deb", "--field", path)
        assert f"Version: {package.version}\n" in fields
        listing = run("dpkg-deb", "--contents", path)
        assert all(f" .{name}\n" in listing for name in package.files)
    kubelet = tmp_path / made[1].file_name
    run("dpkg-deb", "--raw-extract", kubelet, tmp_path / "raw")
    assert (tmp_path / "raw/usr/bin/kubelet").read_text() == programs["kubelet"].read_text()
    assert "kubelet.service" in (tmp_path / "raw/DEBIAN/postinst").read_text()
    assert run("sh", "-n", tmp_path / "raw/DEBIAN/postinst") == ""


def test_the_same_package_is_the_same_file(tmp_path: Path, programs: dict[str, Path]) -> None:
    package = packages.kubernetes(RELEASE, programs)[0]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert debian.write(package, tmp_path / "a").read_bytes() == debian.write(package, tmp_path / "b").read_bytes()


def test_the_repository_is_signed_by_the_key_that_it_shows(tmp_path: Path, programs: dict[str, Path]) -> None:
    signer = Signer(tmp_path / "artifacts")
    assert Signer(tmp_path / "artifacts").fingerprint == signer.fingerprint
    folder = tmp_path / "deb"
    folder.mkdir()
    apt_repository.write(folder, packages.kubernetes(RELEASE, programs), signer)
    key = tmp_path / "key.gpg"
    run("gpg", "--batch", "--yes", "--dearmor", "--output", key, stdin=signer.public_key())
    run("gpgv", "--keyring", key, folder / "InRelease")
    run("gpgv", "--keyring", key, folder / "Release.gpg", folder / "Release")
    (folder / "Release").write_text((folder / "Release").read_text().replace("amd64", "arm64"))
    done = subprocess.run(["gpgv", "--keyring", key, folder / "Release.gpg", folder / "Release"],
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode != 0


def test_the_release_file_has_size_and_sum_of_each_index() -> None:
    text = apt_repository.release({"Packages": b"abc"}, ["amd64"], datetime(2026, 1, 2, tzinfo=timezone.utc))
    assert "Date: Fri, 02 Jan 2026 00:00:00 GMT\n" in text
    assert f" {hashlib.sha256(b'abc').hexdigest()} 3 Packages\n" in text


# --- images


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
    assert set(debian_files.files_of(tmp_path, ["tool"])) == {"usr/sbin/tool-new", "usr/sbin/tool", "etc/alternatives/tool"}
