"""Everything a site's machines fetch, made and laid out in the cache: packages, images, manifests."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.artifacts import (
    apt_repository,
    catalogue,
    download,
    kubernetes_images,
    packages,
    registry,
    store,
    upstream_images,
)
from lab.artifacts.debian import Package
from lab.artifacts.image import Image
from lab.artifacts.programs import Workshop
from lab.artifacts.signing import Signer
from lab.standins import images as standins
from lab.standins.manifest import of_version

KEY_FILE = "Release.key"
KUBE_VIP = "ghcr.io/kube-vip/kube-vip"
CALICO_MANIFEST = "https://raw.githubusercontent.com/projectcalico/calico/{version}/manifests/calico.yaml"
IMAGE = re.compile(r"^\s*image: (\S+)$", re.M)
# What grows with each new version. The registry's storage does too, but there one blob serves several images.
TRIMMED = ("programs", "packages", "texts")
# In place of a recipe's key beside a tag.
PUBLISHED = "published"


@dataclass(frozen=True)
class Mirror:
    """`kept`: the folder that has all the rest; `registry`: storage of the image registry; `files`: path on the file
    server to a file or folder in the cache; `fingerprint`: of the key that signs the package repositories; `calico`:
    where `files` has Calico's manifest; `kubectl`: the client of the last of the minor versions."""

    kept: Path
    registry: Path
    files: Mapping[str, Path]
    fingerprint: str
    calico: str
    kubectl: Path

    @property
    def calico_sha256(self) -> str:
        return store.file_sha256(self.files[self.calico])


def make(
    workshop: Workshop, rootfs: Path, site: Mapping[str, Any], minors: Sequence[str], upstream: bool = False
) -> Mirror:
    """Make what is missing for these minor versions and for the site's kube-vip and Calico.

    `upstream`: the published images and manifest, where the internet is there, instead of images made here and of
    stand-ins. Raises UnknownMinor, DownloadError, CommandError, NoRoom.
    """
    storage = workshop.artifacts / "registry"
    signer = Signer(workshop.artifacts)
    key = _kept(workshop, KEY_FILE, signer.public_key())
    files = {f"kubernetes/{KEY_FILE}": key, f"containerd/{KEY_FILE}": key}
    runtimes: dict[str, Package] = {}
    programs: dict[str, Path] = {}
    for minor in minors:
        release = catalogue.release(minor)
        if upstream:
            programs = workshop.get(catalogue.programs(release, packages.PROGRAMS))
            _copy_images(workshop.say, storage, kubernetes_images.references(release))
        else:
            programs = workshop.get(catalogue.programs(release))
            pause = workshop.own(kubernetes_images.PAUSE, ".", "pause")
            add_images(workshop.say, storage, kubernetes_images.images(release, programs, pause, rootfs))
        runtimes.update((package.file_name, package) for package in packages.containerd(release, programs))
        files[f"kubernetes/v{minor}/deb"] = _repository(
            workshop, signer, f"kubernetes-v{minor}", packages.kubernetes(release, programs)
        )
    folder = _repository(workshop, signer, "containerd", list(runtimes.values()))
    files.update((f"containerd/{path.name}", path) for path in folder.iterdir())
    calico, kube_vip = (standins.version(site, name) for name in ("calico_version", "kube_vip_version"))
    if upstream:
        text = download.text(workshop.origin, CALICO_MANIFEST.format(version=calico))
        _copy_images(workshop.say, storage, [f"{KUBE_VIP}:{kube_vip}", *sorted(set(IMAGE.findall(text)))])
    else:
        text = of_version(calico, workshop.say)
        own = standins.programs(workshop)
        add_images(workshop.say, storage, standins.images(own, programs, kube_vip, calico))
    manifest = f"calico/{calico}/calico.yaml"
    files[manifest] = _kept(workshop, f"calico-{calico}.yaml", text)
    store.trim(workshop.artifacts, TRIMMED, workshop.say)
    return Mirror(workshop.artifacts, storage, files, signer.fingerprint, manifest, programs["kubectl"])


def publish(mirror: Mirror, served: Path) -> None:
    """Show the mirror's files below the file server's folder, as links into the cache."""
    for name, source in mirror.files.items():
        link = served / name
        link.parent.mkdir(parents=True, exist_ok=True)
        store.lend(mirror.kept, link, source)


def _repository(workshop: Workshop, signer: Signer, name: str, content: Sequence[Package]) -> Path:
    def make_it(folder: Path) -> None:
        workshop.say(f"packages: {name}: {', '.join(package.name for package in content)}")
        apt_repository.write(folder, content, signer)

    key = store.key_of([signer.fingerprint, *(package.recipe() for package in content)])
    return store.once(workshop.artifacts / "packages", name, key, make_it)


def add_images(say: store.Say, storage: Path, images: Sequence[Image]) -> None:
    """Put images into the registry's storage, where they are not there yet.

    A note beside each tag says what it was made from, so that a tag follows its recipe, also back again.
    """
    with _notes(storage) as notes:
        for image in images:
            note = notes / f"{image.name.replace('/', '-')}-{'-'.join(image.tags)}"
            key = store.key_of(image.recipe())
            if not note.exists() or note.read_text() != key:
                say(f"image: {image.name}:{', '.join(image.tags)}")
                registry.add(storage, image)
                note.write_text(key)


def _copy_images(say: store.Say, storage: Path, references: Sequence[str]) -> None:
    with _notes(storage) as notes:
        for text in references:
            reference = upstream_images.Reference.parse(text)
            note = notes / f"{reference.name.replace('/', '-')}-{reference.tag}"
            if not note.exists() or note.read_text() != PUBLISHED:
                upstream_images.pull(storage, reference, catalogue.architecture(), say)
                note.write_text(PUBLISHED)


@contextmanager
def _notes(storage: Path) -> Iterator[Path]:
    """The folder with a note per tag, for one process at a time."""
    notes = storage / "made"
    notes.mkdir(parents=True, exist_ok=True)
    with (notes / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield notes


def _kept(workshop: Workshop, name: str, text: str) -> Path:
    """A text as a file in the cache."""
    folder = store.once(workshop.artifacts / "texts", name, store.key_of(text), lambda made: _write(made / name, text))
    return folder / name


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
