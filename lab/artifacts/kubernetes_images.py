"""The images that kubeadm asks for, under upstream's names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.artifacts import debian_files
from lab.artifacts.catalogue import Release, architecture
from lab.artifacts.image import Image

COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
PROGRAMS = "usr/local/bin"
# kube-proxy runs these; the nodes have them in the same versions.
PROXY_PACKAGES = ("conntrack", "iptables", "nftables")
LABEL = "io.detectviz.lab.built"
PAUSE = Path(__file__).parent / "pause"


def images(release: Release, programs: Mapping[str, Path], pause: Path, rootfs: Path) -> list[Image]:
    """`programs`: path of each program by name; `pause`: the lab's own; `rootfs`: the lab's image, whose Debian
    packages go beside kube-proxy."""
    made = [_static(name, release.kubernetes, {f"{PROGRAMS}/{name}": programs[name]}) for name in COMPONENTS]
    etcd = {f"{PROGRAMS}/{name}": programs[name] for name in ("etcd", "etcdctl", "etcdutl")}
    proxy = {**debian_files.files_of(rootfs, PROXY_PACKAGES), f"{PROGRAMS}/kube-proxy": programs["kube-proxy"]}
    return [
        *made,
        _static("kube-proxy", release.kubernetes, proxy),
        _static("etcd", release.etcd_tag, etcd),
        _static("coredns/coredns", release.coredns, {"coredns": programs["coredns"]}, "/coredns"),
        _static("pause", release.pause, {"pause": pause}, "/pause"),
    ]


def references(release: Release) -> list[str]:
    """The same images by upstream's full names."""
    names = {**dict.fromkeys((*COMPONENTS, "kube-proxy"), release.kubernetes), "etcd": release.etcd_tag,
             "coredns/coredns": release.coredns, "pause": release.pause}  # fmt: skip
    return [f"registry.k8s.io/{name}:{tag}" for name, tag in names.items()]


def _static(name: str, tag: str, files: Mapping[str, Path], *entrypoint: str) -> Image:
    return Image(
        name=name, tags=[tag], files=files, entrypoint=entrypoint, architecture=architecture(),
        labels={LABEL: "made by the lab of detectviz.infra, not by Kubernetes"},
    )  # fmt: skip
