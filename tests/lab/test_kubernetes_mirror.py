"""What a guest of the lab finds in place of the internet: packages it installs, images it runs."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.artifacts import catalogue
from lab.cli.site_overlay import OVERLAY
from tests.lab.conftest import LAB_NAME, SITE, LabCommand
from tests.lab.guests import Machine, with_guest

RELEASE = catalogue.release(catalogue.DEFAULT_MINOR)
VERSION = RELEASE.kubernetes.removeprefix("v")
CLUSTER = {
    "vip": {"address": "192.168.0.10", "name": "k8s-api", "network": "vmbr0"},
    "kubernetes_version": RELEASE.minor, "calico_version": "v3.31.7", "kube_vip_version": "v1.2.3",
}  # fmt: skip
INSTALL = """
set -e
for name in kubernetes containerd; do
    curl -fsS {files}/$name/Release.key | gpg --dearmor > /etc/apt/keyrings/$name.gpg
done
test "$(gpg --show-keys --with-colons /etc/apt/keyrings/kubernetes.gpg | awk -F: '$1 == "fpr" {{print $10}}')" = {key}
echo 'deb [signed-by=/etc/apt/keyrings/kubernetes.gpg] {files}/kubernetes/v{minor}/deb/ /' > /etc/apt/sources.list.d/k.list
echo 'deb [signed-by=/etc/apt/keyrings/containerd.gpg] {files}/containerd /' > /etc/apt/sources.list.d/c.list
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get -q -y install kubeadm kubelet kubectl containerd
"""
PULL = """
set -e
mkdir -p /etc/containerd/certs.d/_default
printf '[host."{registry}"]\\n  capabilities = ["pull", "resolve"]\\n' > /etc/containerd/certs.d/_default/hosts.toml
for image in $(kubeadm config images list --kubernetes-version {version}); do
    ctr images pull --hosts-dir /etc/containerd/certs.d $image > /dev/null
done
for command in 'iptables --version' 'nft --version' 'conntrack --version' '/usr/local/bin/kube-proxy --version'; do
    ctr run --rm registry.k8s.io/kube-proxy:{version} t $command
done
ctr run --rm registry.k8s.io/etcd:{etcd} t etcdctl version
"""


@pytest.fixture(scope="module")
def cluster_lab(machine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCommand]:
    """A lab of a site that has a cluster."""
    folder = tmp_path_factory.mktemp("cluster-site")
    (folder / "group_vars/all").mkdir(parents=True)
    (folder / "group_vars/all/site.yml").write_text(yaml.safe_dump({**SITE, **CLUSTER}))
    lab = LabCommand(machine, f"{LAB_NAME}-mirror")
    lab("up", "--yes", "--site", str(folder))
    yield lab
    lab("down", code=None)


@pytest.fixture
def site(cluster_lab: LabCommand) -> dict[str, Any]:
    """What the lab says of itself to the collection."""
    return dict(yaml.safe_load((cluster_lab.folder / "site" / OVERLAY).read_text()))


def test_the_registry_has_the_images_and_takes_none(cluster_lab: LabCommand, site: dict[str, Any]) -> None:
    (registry,) = site["registry_mirrors"]["*"]["endpoints"]
    tags = json.loads(cluster_lab("exec", "--", "curl", "-fsS", f"{registry}/v2/kube-apiserver/tags/list"))
    assert RELEASE.kubernetes in tags["tags"]
    for name, tag in (("kube-vip/kube-vip", "v1.2.3"), ("calico/node", "v3.31.7"), ("pause", RELEASE.pause)):
        cluster_lab("exec", "--", "curl", "-fsS", "--head", f"{registry}/v2/{name}/manifests/{tag}",
                    "-H", "Accept: application/vnd.oci.image.manifest.v1+json")  # fmt: skip
    refused = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", f"{registry}/v2/pause/blobs/uploads/"]
    assert cluster_lab("exec", "--", *refused) == "405"


def test_the_file_server_has_calicos_manifest_with_its_checksum(cluster_lab: LabCommand, site: dict[str, Any]) -> None:
    manifest = site["calico_manifest"]
    script = f"curl -fsS {manifest['url']} | sha256sum"
    said = cluster_lab("exec", "--", "sh", "-c", script)
    assert f"sha256:{said.split()[0]}" == manifest["checksum"]


def test_a_guest_installs_the_packages_and_runs_the_images(cluster_lab: LabCommand, site: dict[str, Any]) -> None:
    source = site["package_mirrors"]["kubernetes"]
    server = urllib.parse.urlsplit(source["url"])
    (registry,) = site["registry_mirrors"]["*"]["endpoints"]
    values = {"files": f"{server.scheme}://{server.netloc}", "key": source["key_fingerprint"], "minor": RELEASE.minor,
              "registry": registry, "version": RELEASE.kubernetes, "etcd": RELEASE.etcd_tag}  # fmt: skip

    async def scenario(machine: Machine) -> None:
        await machine.until_booted()
        code, said = await machine.shell(INSTALL.format(**values))
        assert code == 0, said
        assert (await machine.shell("kubelet --version"))[1] == f"Kubernetes {RELEASE.kubernetes}\n"
        _, packages = await machine.shell("dpkg-query -W -f='${Package}=${Version}\\n' kubeadm kubernetes-cni containerd.io")
        assert f"kubeadm={VERSION}-1.1\n" in packages and f"containerd.io={RELEASE.containerd[1:]}-1\n" in packages
        _, states = await machine.shell("systemctl is-active containerd; systemctl is-enabled containerd kubelet")
        assert states.split() == ["active", "enabled", "enabled"]
        _, unit = await machine.shell("systemctl cat kubelet.service")
        assert "kubeadm-flags.env" in unit and "bootstrap-kubelet.conf" in unit
        code, said = await machine.shell(PULL.format(**values))
        assert code == 0, said
        assert RELEASE.kubernetes in said and f"etcdctl version: {RELEASE.etcd[1:]}" in said
        code, said = await machine.shell("apt-get -q -y purge kubelet && ! systemctl cat kubelet.service")
        assert code == 0, said

    asyncio.run(with_guest(cluster_lab, scenario, memory_mb=2048))


def test_a_second_up_leaves_all_as_it_is(cluster_lab: LabCommand) -> None:
    before = json.loads((cluster_lab.folder / "lab.json").read_text())["processes"]
    cluster_lab("up", "--yes", "--site", json.loads((cluster_lab.folder / "lab.json").read_text())["source"])
    assert json.loads((cluster_lab.folder / "lab.json").read_text())["processes"] == before
    assert set(before) == {"files", "registry", "emulator"}
