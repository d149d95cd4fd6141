"""What the lab adds for a site with a cluster: mirrors of packages and images, and the site data that points there."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.artifacts import catalogue, download, mirror, programs, registry, store
from lab.cli.places import Places
from lab.cli.plan import REGISTRY_PORT, Plan
from lab.nodes import namespace, recipe, router

# The machine's disk is shared by all nodes and may be fuller than a kubelet likes. A list that leaves one of the five
# out would switch that one off.
EVICTION = {"memory.available": "50Mi", "nodefs.available": "1%", "nodefs.inodesFree": "1%", "imagefs.available": "1%",
            "imagefs.inodesFree": "1%"}  # fmt: skip


class OldImage(RuntimeError):
    """The lab was made from an image without a registry."""


def add_minor_argument(parser: argparse.ArgumentParser) -> None:
    """Which minor versions; an upgrade needs two at once."""
    parser.add_argument("--minor", action="append", choices=list(catalogue.RELEASES),
                        help="minor version of Kubernetes, more than once for several (default: the site's)")


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Where programs come from."""
    parser.add_argument("--source", choices=programs.SOURCES, default="auto",
                        help="download programs from upstream or build them from Go modules; auto asks upstream first")
    parser.add_argument("--upstream", action="store_true",
                        help="the images and the manifest that upstream publishes instead of the lab's own and of "
                        "stand-ins; needs the internet")
    parser.add_argument("--downloads-from", metavar="URL", default=None,
                        help="a mirror of upstream's addresses: URL/dl.k8s.io/…, URL/github.com/…")


def workshop(options: argparse.Namespace, say: Any) -> programs.Workshop:
    origin = download.Origin(options.downloads_from)
    return programs.Workshop(recipe.cache_dir(), say, options.source, origin)


def has_cluster(site: Mapping[str, Any]) -> bool:
    """A site with an address for the API means to have one."""
    return bool(site.get("vip"))


def minor_of(site: Mapping[str, Any]) -> str:
    """The site's minor version of Kubernetes: 1.36, also when it names a patch."""
    version = str(site.get("kubernetes_version") or catalogue.DEFAULT_MINOR).removeprefix("v")
    return ".".join(version.split(".")[:2])


def minors(site: Mapping[str, Any], further: Sequence[str] | None = None) -> list[str]:
    """The minor versions that are served: the named ones, and the site's last, as it says which kubectl is used."""
    own = minor_of(site)
    return [*(minor for minor in dict.fromkeys(further or ()) if minor != own), own]


def registry_command(places: Places, layout: Plan, rootfs: Path, storage: Path) -> list[str]:
    """Debian's registry from the systems' image, in the router's namespace; the program's libraries are beside it.

    Raises OldImage.
    """
    program = rootfs / "usr/bin/docker-registry"
    if not program.exists():
        raise OldImage(
            f"lab {places.name} keeps the image {rootfs.parent.name}, which has no image registry: take the lab down "
            "and start it again, or start it --without-kubernetes"
        )
    settings = places.folder / "registry.yml"
    settings.write_text(registry.configuration(storage, layout.file_server, REGISTRY_PORT))
    loader = next(rootfs.glob("usr/lib*/ld-linux-*.so.*"))
    libraries = next(rootfs.glob("usr/lib/*-linux-gnu"))
    return [
        *namespace.enter(router.name(places.namespace)), str(loader), "--library-path", str(libraries),
        str(program), "serve", str(settings),
    ]  # fmt: skip


def link_client(places: Places, made: mirror.Mirror) -> None:
    """kubectl for `lab exec`."""
    places.programs.mkdir(exist_ok=True)
    store.lend(made.kept, places.programs / "kubectl", made.kubectl)


def overlay(site: Mapping[str, Any], layout: Plan, made: mirror.Mirror) -> dict[str, Any]:
    """Site data of the cluster that is different in the lab: what any site behind mirrors sets, and what a node that
    shares its machine's kernel and disk needs."""
    return {
        "allow_standins": True,
        "registry_mirrors": {"*": {"endpoints": [layout.registry_url], "skip_verify": False}},
        "package_mirrors": {
            **(site.get("package_mirrors") or {}),
            "kubernetes": _repository(layout, made, "kubernetes"),
            "containerd": {**_repository(layout, made, "containerd"), "suite": "/", "components": ""},
        },
        "calico_manifest": {
            "url": f"{layout.files_url}/{made.calico}", "checksum": f"sha256:{made.calico_sha256}",
        },
        "kubelet_configuration": {
            "failCgroupV1": False, "failSwapOn": False, "cgroupDriver": "cgroupfs",
            "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99, "evictionHard": EVICTION,
        },
        "kube_proxy_configuration": {"conntrack": {"maxPerCore": 0}},
        "kubeadm_ignore_preflight_errors": ["SystemVerification"],
        "containerd_systemd_cgroup": False,
        "containerd_restrict_oom_score_adj": True,
    }  # fmt: skip


def _repository(layout: Plan, made: mirror.Mirror, name: str) -> dict[str, Any]:
    url = f"{layout.files_url}/{name}"
    return {"url": url, "key_url": f"{url}/{mirror.KEY_FILE}", "key_fingerprint": made.fingerprint}
