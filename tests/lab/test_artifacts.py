"""Kubernetes' packages in the lab: what they are made of, how they are packed, signed and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from lab.artifacts import (
    apt_repository,
    catalogue,
    debian,
    mirror,
    packages,
    store,
)
from lab.artifacts.programs import Workshop
from lab.artifacts.signing import Signer
from lab.cli import kubernetes
from lab.cli.places import Places
from lab.nodes.commands import run

RELEASE = catalogue.release(catalogue.DEFAULT_MINOR)
PROGRAMS = {program.name: program for program in catalogue.programs(RELEASE)}


def quiet(_: str) -> None:
    """Progress that nobody reads."""


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
    ("site", "minor"),
    [({}, "1.36"), ({"kubernetes_version": "1.35"}, "1.35"), ({"kubernetes_version": "v1.35.8"}, "1.35")],
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


def kept(folder: Path, name: str, days: float = 0) -> Path:
    """Something that was made, and last asked for so many days ago."""
    made = store.once(folder, name, "1", lambda part: (part / "file").touch())
    return unused_for(made, days)


def unused_for(folder: Path, days: float) -> Path:
    then = time.time() - days * 86400
    os.utime(folder, (then, then))
    return folder


def trimmed(artifacts: Path, *folders: str) -> list[str]:
    said: list[str] = []
    store.trim(artifacts, folders or ("programs",), said.append)
    return said


def test_what_nobody_has_used_for_long_is_removed_and_told(tmp_path: Path) -> None:
    old, young = kept(tmp_path / "programs", "old", 61), kept(tmp_path / "programs", "young", 59)
    other = kept(tmp_path / "registry", "old", 61)
    assert trimmed(tmp_path, "programs", "packages") == [
        f"{tmp_path.name}/programs/old-1: not used for 60 days, removed"
    ]
    assert young.is_dir() and other.is_dir()
    assert [path for path in (tmp_path / "programs").iterdir() if path.is_dir()] == [young]
    assert trimmed(tmp_path, "programs", "packages") == []
    assert (kept(tmp_path / "programs", "old") / "file").exists() and old.is_dir()


def test_what_is_asked_for_counts_as_used(tmp_path: Path) -> None:
    loopback = PROGRAMS["loopback"]
    folder = tmp_path / "artifacts/programs"
    program = kept(folder, "of-the-lab", 61)
    upstream = folder / f"{loopback.name}-{loopback.version}-{loopback.key}"
    upstream.mkdir()
    unused_for(upstream, 61)
    assert store.once(folder, "of-the-lab", "1", lambda _: None) == program
    Workshop(tmp_path, quiet).get([loopback])
    assert trimmed(tmp_path / "artifacts") == []


def test_what_is_being_made_stays(tmp_path: Path) -> None:
    def slowly(part: Path) -> None:
        (part / "file").touch()
        unused_for(part, 61)
        assert trimmed(tmp_path) == []
        assert (part / "file").exists()

    assert (store.once(tmp_path / "programs", "slow", "1", slowly) / "file").exists()


def test_what_was_begun_and_never_ended_goes(tmp_path: Path) -> None:
    whole = kept(tmp_path / "programs", "thing")
    part = tmp_path / "programs/.thing-1.part"
    part.mkdir()
    assert trimmed(tmp_path) == []
    unused_for(part, 61)
    assert len(trimmed(tmp_path)) == 1
    assert not part.exists() and (whole / "file").exists()


def test_what_a_lab_serves_stays_until_the_lab_is_gone(tmp_path: Path) -> None:
    artifacts, lab = tmp_path / "artifacts", tmp_path / "lab"
    made_of = {name: kept(artifacts / name, name, 61) for name in ("packages", "texts", "programs")}
    files = {"deb": made_of["packages"], "text/file": made_of["texts"] / "file"}
    made = mirror.Mirror(artifacts, artifacts / "registry", files, "", "text/file", made_of["programs"] / "file")
    places = Places("x", lab)
    lab.mkdir()
    mirror.publish(made, places.served)
    kubernetes.link_client(places, made)
    assert trimmed(artifacts, *made_of) == []
    assert (places.served / "deb/file").exists() and (places.served / "text/file").exists()
    assert (places.programs / "kubectl").exists()
    shutil.rmtree(lab)
    assert len(trimmed(artifacts, *made_of)) == 3
    assert list((artifacts / store.LENT).iterdir()) == []


def test_what_a_lab_serves_no_longer_is_not_its_own_any_more(tmp_path: Path) -> None:
    artifacts, link = tmp_path / "artifacts", tmp_path / "deb"
    for name in ("old", "new"):
        store.lend(artifacts, link, kept(artifacts / "packages", name, 61))
    assert trimmed(artifacts, "packages") == ["artifacts/packages/old-1: not used for 60 days, removed"]
    assert (link / "file").exists()


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
    assert [package.name for package in made] == ["kubeadm", "kubelet", "kubectl", "kubernetes-cni", "cri-tools", "containerd.io"]
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
