"""Everything a site's machines fetch, made and laid out in the cache: packages, images, manifests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.artifacts import apt_repository, catalogue, kubernetes_images, packages, registry, store
from lab.artifacts.debian import Package
from lab.artifacts.image import Image
from lab.artifacts.programs import Workshop
from lab.artifacts.signing import Signer

KEY_FILE = "Release.key"


@dataclass(frozen=True)
class Mirror:
    """`registry`: storage of the image registry; `files`: path on the file server to a file or folder in the cache;
    `fingerprint`: of the key that signs the package repositories."""

    registry: Path
    files: Mapping[str, Path]
    fingerprint: str


def make(workshop: Workshop, rootfs: Path, site: Mapping[str, Any], minors: Sequence[str]) -> Mirror:
    """Make what is missing for these minor versions and the site's add-ons.

    Raises UnknownMinor, DownloadError, CommandError.
    """
    storage = workshop.artifacts / "registry"
    signer = Signer(workshop.artifacts)
    key = _key_file(workshop, signer)
    files = {f"kubernetes/{KEY_FILE}": key, f"containerd/{KEY_FILE}": key}
    runtimes: dict[str, Package] = {}
    for minor in minors:
        release = catalogue.release(minor)
        programs = workshop.get(catalogue.programs(release))
        pause = workshop.own(kubernetes_images.PAUSE, ".", "pause")
        _add_images(workshop, storage, kubernetes_images.images(release, programs, pause, rootfs))
        runtimes.update((package.file_name, package) for package in packages.containerd(release, programs))
        files[f"kubernetes/v{minor}/deb"] = _repository(
            workshop, signer, f"kubernetes-v{minor}", packages.kubernetes(release, programs)
        )
    folder = _repository(workshop, signer, "containerd", list(runtimes.values()))
    files.update((f"containerd/{path.name}", path) for path in folder.iterdir())
    return Mirror(storage, files, signer.fingerprint)


def publish(mirror: Mirror, served: Path) -> None:
    """Show the mirror's files below the file server's folder, as links into the cache."""
    for name, source in mirror.files.items():
        link = served / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink():
            link.unlink()
        link.symlink_to(source)


def _repository(workshop: Workshop, signer: Signer, name: str, content: Sequence[Package]) -> Path:
    def make_it(folder: Path) -> None:
        workshop.say(f"packages: {name}: {', '.join(package.name for package in content)}")
        apt_repository.write(folder, content, signer)

    key = store.key_of([signer.fingerprint, *(package.recipe() for package in content)])
    return store.once(workshop.artifacts / "packages", name, key, make_it)


def _add_images(workshop: Workshop, storage: Path, images: Sequence[Image]) -> None:
    for image in images:
        def make_it(folder: Path, image: Image = image) -> None:
            workshop.say(f"image: {image.name}:{', '.join(image.tags)}")
            digest = registry.add(storage, image)
            (folder / "digest").write_text(digest)

        store.once(storage / "made", image.name.replace("/", "-"), store.key_of(image.recipe()), make_it)


def _key_file(workshop: Workshop, signer: Signer) -> Path:
    path = workshop.artifacts / KEY_FILE
    path.write_text(signer.public_key())
    return path
