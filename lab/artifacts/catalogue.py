"""Which programs and images one minor version of Kubernetes is made of here. Data, and what follows from it."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from lab.artifacts import store
from lab.artifacts.image import ARCHITECTURES

# Raise it when programs have to be built anew although nothing that is named here has changed.
RECIPE = 1


@dataclass(frozen=True)
class Official:
    """Where upstream publishes a program: an archive or the program itself, and a file with its SHA-256."""

    url: str
    checksums: str
    member: str | None = None  # path in the archive; None: the file is the program


@dataclass(frozen=True)
class Program:
    """One binary: `package` of the first of `modules` (each wanted at `version`), and how it is compiled.

    `stamps`: what the linker writes into it, as `importpath.Variable=value`; `tags`: build tags.
    """

    name: str
    version: str
    package: str
    modules: Sequence[str]
    official: Official
    stamps: Sequence[str] = ()
    tags: Sequence[str] = ()

    @property
    def key(self) -> str:
        recipe = {key: value for key, value in asdict(self).items() if key != "official"}
        return store.key_of([RECIPE, os.uname().machine, recipe])


@dataclass(frozen=True)
class Release:
    """One minor version: the versions that its kubeadm asks for, and what goes with it.

    `kubernetes`, `etcd`, `coredns`, `cni`, `containerd`, `crictl`: module versions; `*_tag`: the images' tags where they differ.
    """

    minor: str
    kubernetes: str
    etcd: str
    etcd_tag: str
    coredns: str
    pause: str
    cni: str
    containerd: str
    crictl: str


DEFAULT_MINOR = "1.36"
RELEASES = {
    release.minor: release
    for release in (
        Release(
            minor="1.36", kubernetes="v1.36.3", etcd="v3.6.8", etcd_tag="3.6.8-0", coredns="v1.14.2", pause="3.10.2",
            cni="v1.9.1", containerd="v2.4.2", crictl="v1.37.0",
        ),
        # The newest patch of 1.35 whose modules are published.
        Release(
            minor="1.35", kubernetes="v1.35.8", etcd="v3.6.6", etcd_tag="3.6.6-0", coredns="v1.13.1", pause="3.10.1",
            cni="v1.9.1", containerd="v2.4.2", crictl="v1.37.0",
        ),
    )
}  # fmt: skip

KUBERNETES = ("kubeadm", "kubelet", "kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
              "kube-proxy")  # fmt: skip
ETCD = {"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl"}
CNI = {"bridge": "main", "firewall": "meta", "host-local": "ipam", "loopback": "main", "bandwidth": "meta",
       "portmap": "meta", "ptp": "main", "tuning": "meta"}  # fmt: skip
CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")
GITHUB = "https://github.com"


class UnknownMinor(ValueError):
    """The catalogue has no such minor version."""


def release(minor: str) -> Release:
    """Raises UnknownMinor."""
    if minor not in RELEASES:
        raise UnknownMinor(f"Kubernetes {minor} is not in the lab's catalogue, which has {', '.join(RELEASES)}")
    return RELEASES[minor]


def architecture() -> str:
    """This machine's architecture as Go and Debian name it."""
    return ARCHITECTURES[os.uname().machine]


def programs(made_of: Release, names: Collection[str] | None = None) -> list[Program]:
    """What a release is made of, cheap ones to compile first: everything, or the named ones."""
    everything = [
        *_cni(made_of.cni),
        _crictl(made_of.crictl),
        *_containerd(made_of.containerd),
        *_etcd(made_of.etcd),
        *(_kubernetes(name, made_of.kubernetes) for name in KUBERNETES),
        _coredns(made_of.coredns),
    ]
    return [program for program in everything if names is None or program.name in names]


def _kubernetes(name: str, version: str) -> Program:
    major, minor = version.removeprefix("v").split(".")[:2]
    url = f"https://dl.k8s.io/{version}/bin/linux/{architecture()}/{name}"
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    places = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return Program(
        name=name,
        version=version,
        package=f"k8s.io/kubernetes/cmd/{name}",
        modules=("k8s.io/kubernetes",),
        official=Official(url, f"{url}.sha256"),
        stamps=tuple(f"{place}.{variable}={value}" for place in places for variable, value in values.items()),
    )


def _etcd(version: str) -> list[Program]:
    folder = f"etcd-{version}-linux-{architecture()}"
    base = f"{GITHUB}/etcd-io/etcd/releases/download/{version}"
    modules = tuple(f"go.etcd.io/etcd/{part}/v3" for part in ETCD.values())
    return [
        Program(name, version, f"go.etcd.io/etcd/{part}/v3", modules,
                Official(f"{base}/{folder}.tar.gz", f"{base}/SHA256SUMS", f"{folder}/{name}"))
        for name, part in ETCD.items()
    ]  # fmt: skip


def _coredns(version: str) -> Program:
    module = "github.com/coredns/coredns"
    url = f"{GITHUB}/coredns/coredns/releases/download/{version}/coredns_{version[1:]}_linux_{architecture()}.tgz"
    return Program("coredns", version, module, (module,), Official(url, f"{url}.sha256", "coredns"))


def _cni(version: str) -> list[Program]:
    module = "github.com/containernetworking/plugins"
    base = f"{GITHUB}/containernetworking/plugins/releases/download/{version}"
    url = f"{base}/cni-plugins-linux-{architecture()}-{version}.tgz"
    stamp = f"{module}/pkg/utils/buildversion.BuildVersion={version}"
    return [
        Program(name, version, f"{module}/plugins/{kind}/{name}", (module,),
                Official(url, f"{url}.sha256", f"./{name}"), (stamp,))
        for name, kind in CNI.items()
    ]  # fmt: skip


def _crictl(version: str) -> Program:
    module = "sigs.k8s.io/cri-tools"
    url = f"{GITHUB}/kubernetes-sigs/cri-tools/releases/download/{version}/crictl-{version}-linux-{architecture()}.tar.gz"
    stamp = f"{module}/pkg/version.Version={version}"
    return Program("crictl", version, f"{module}/cmd/crictl", (module,), Official(url, f"{url}.sha256", "crictl"), (stamp,))


def _containerd(version: str) -> list[Program]:
    module = "github.com/containerd/containerd/v2"
    base = f"{GITHUB}/containerd/containerd/releases/download/{version}"
    # Upstream's static archive: the other one wants a newer libc than Debian 12 has.
    url = f"{base}/containerd-static-{version[1:]}-linux-{architecture()}.tar.gz"
    return [
        Program(name, version, f"{module}/cmd/{name}", (module,), Official(url, f"{url}.sha256sum", f"bin/{name}"),
                (f"{module}/version.Version={version}",), ("no_btrfs", "no_devmapper"))
        for name in CONTAINERD
    ]  # fmt: skip
