"""The Debian packages of a release, as pkgs.k8s.io and Docker's repository cut and name them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.artifacts.catalogue import CNI, CONTAINERD, Release, architecture
from lab.artifacts.debian import Package

# What goes into packages; the rest of a release is in images.
PROGRAMS = ("kubeadm", "kubelet", "kubectl", "crictl", *CNI, *CONTAINERD)
UNITS = Path(__file__).parent / "units"
# The suffix of pkgs.k8s.io's own packages, so that a site pins versions the same way.
REVISION = "1.1"
KUBELET_NEEDS = ("conntrack, ebtables, ethtool, iproute2, iptables (>= 1.4.21), kubernetes-cni (>= 1.2.0), mount, socat, "
                 "util-linux")  # fmt: skip


def kubernetes(release: Release, programs: Mapping[str, Path]) -> list[Package]:
    """kubeadm, kubelet, kubectl, crictl and the CNI plugins. `programs`: path of each program by name."""
    return [
        _package(
            "kubeadm", release.kubernetes, "Bootstraps Kubernetes clusters", "https://kubernetes.io",
            {"/usr/bin/kubeadm": programs["kubeadm"],
             "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": UNITS / "10-kubeadm.conf"},
            {"Recommends": "kubelet, kubectl, cri-tools"},
        ),
        _package(
            "kubelet", release.kubernetes, "Agent of a Kubernetes node", "https://kubernetes.io",
            {"/usr/bin/kubelet": programs["kubelet"],
             "/usr/lib/systemd/system/kubelet.service": UNITS / "kubelet.service"},
            {"Depends": KUBELET_NEEDS}, service="kubelet.service",
        ),
        _package(
            "kubectl", release.kubernetes, "Command line client of Kubernetes", "https://kubernetes.io",
            {"/usr/bin/kubectl": programs["kubectl"]}, {},
        ),
        _package(
            "kubernetes-cni", release.cni, "Network plugins for container runtimes", "https://www.cni.dev",
            {f"/opt/cni/bin/{name}": programs[name] for name in CNI}, {},
        ),
        _package(
            "cri-tools", release.crictl, "Command line client of container runtimes", "https://kubernetes.io",
            {"/usr/bin/crictl": programs["crictl"]}, {},
        ),
    ]  # fmt: skip


def containerd(release: Release, programs: Mapping[str, Path]) -> list[Package]:
    """containerd under the name of Docker's package; runc is Debian's."""
    files = {f"/usr/bin/{name}": programs[name] for name in CONTAINERD}
    files["/usr/lib/systemd/system/containerd.service"] = UNITS / "containerd.service"
    files["/etc/containerd/config.toml"] = UNITS / "containerd.toml"
    version = release.containerd.removeprefix("v")
    relations = {"Depends": "runc", "Provides": f"containerd (= {version})", "Conflicts": "containerd",
                 "Replaces": "containerd"}  # fmt: skip
    return [
        Package(
            "containerd.io", f"{version}-1", architecture(), "Container runtime", "https://containerd.io", files,
            relations, "containerd.service", ("/etc/containerd/config.toml",),
        )
    ]  # fmt: skip


def _package(
    name: str, version: str, summary: str, homepage: str, files: Mapping[str, Path], relations: Mapping[str, str],
    service: str | None = None,
) -> Package:  # fmt: skip
    return Package(
        name, f"{version.removeprefix('v')}-{REVISION}", architecture(), summary, homepage, files, relations, service
    )
