"""From the start of init to the last node that is ready: our run beside a bare kubeadm sequence on the same nodes."""

from __future__ import annotations

import datetime
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.bench.cluster.plays import Played, play
from tests.lab.cluster.cluster import MASTERS, Cluster
from tests.lab.test_site import MACHINES

BARE = Path(__file__).with_name("bare.sh")
FRESH = Path(__file__).resolve().parent.parent / "playbooks/fresh_nodes.yml"
# kubeadm init fetches images, too, so the time for that is counted.
FIRST_PLAY = "The images of the control plane are fetched"
ACCEPTANCE = "The cluster as its API shows it"


@dataclass(frozen=True)
class Ours:
    """Seconds of each part of a run of P2."""

    preparation: float
    to_ready: float
    rest: float
    """After the last node is ready: serving certificates, labels, taints, kube-vip with its lasting kubeconfig."""
    acceptance: float
    played: Played


@dataclass(frozen=True)
class Round:
    bare: float
    ours: Ours
    first: str


def rounds(cluster: Cluster, count: int) -> list[Round]:
    """Each on nodes that were wiped before; who goes first changes from round to round."""
    given = _given(cluster)
    measured = []
    for number in range(count):
        if number % 2:
            bare = _bare(cluster, given)
            ours = _ours(cluster)
        else:
            ours = _ours(cluster)
            bare = _bare(cluster, given)
        measured.append(Round(bare, ours, "bare" if number % 2 else "ours"))
    return measured


def _given(cluster: Cluster) -> Path:
    """What a person has at hand for the bare sequence: connections, manifests, kubeadm's configuration for the site."""
    folder = cluster.lab.folder / "bare"
    folder.mkdir(exist_ok=True)
    hosts = "".join(f"Host {name}\n  HostName {addresses[0]}\n" for name, addresses in MACHINES.items())
    (folder / "ssh_config").write_text(
        f"{hosts}Host *\n  User ubuntu\n  IdentityFile {cluster.lab.folder / 'id_ed25519'}\n  BatchMode yes\n"
        f"  UserKnownHostsFile {cluster.state / 'known_hosts'}\n  LogLevel ERROR\n"
        f"  ControlMaster auto\n  ControlPath {folder}/%C\n  ControlPersist 60\n"
    )
    (folder / "kube-vip.yaml").write_text(cluster.on("master-1", "cat /etc/kubernetes/manifests/kube-vip.yaml"))
    (folder / "calico.yaml").write_text((cluster.state / "calico/calico.yaml").read_text())
    site = json.loads(cluster.lab("exec", "--", "ansible-inventory", "--host", "master-1"))
    version = cluster.on("master-1", "kubeadm version --output=short")
    (folder / "kubeadm.yaml").write_text(yaml.safe_dump_all(_configuration(site, version)))
    (folder / "ignored").write_text(",".join(site.get("kubeadm_ignore_preflight_errors") or ["none"]))
    return folder


def _configuration(site: dict[str, Any], version: str) -> list[dict[str, Any]]:
    """kubeadm's defaults beside what the site and the lab's nodes need."""
    return [
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "ClusterConfiguration",
            "kubernetesVersion": version,
            "controlPlaneEndpoint": f"{site['vip']['address']}:6443",
            "networking": {
                "podSubnet": ",".join(site["pod_cidrs"]),
                "serviceSubnet": ",".join(site["service_cidrs"]),
            },
        },
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            **site.get("kubelet_configuration", {}),
        },
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            **site.get("kube_proxy_configuration", {}),
        },
    ]


def _fresh(cluster: Cluster) -> None:
    cluster.play(str(FRESH))


def _bare(cluster: Cluster, given: Path) -> float:
    _fresh(cluster)
    workers = [name for name in MACHINES if name not in MASTERS]
    began = time.time()
    cluster.lab("exec", "--", str(BARE), str(given), (given / "ignored").read_text(), *MASTERS, "--", *workers)
    nodes = json.loads(
        cluster.on(MASTERS[0], "kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes --output json")
    )
    return _ready(nodes["items"]) - began


def _ours(cluster: Cluster) -> Ours:
    _fresh(cluster)
    played = play(cluster.lab, "site.yml", "--tags", "p2")
    began, acceptance, ready = (
        played.start_of(FIRST_PLAY),
        played.start_of(ACCEPTANCE),
        _ready(cluster.objects("nodes")),
    )
    return Ours(began - played.began, ready - began, acceptance - ready, played.ended - acceptance, played)


def _ready(nodes: list[dict[str, Any]]) -> float:
    """When the last node became ready, as the API has it: in whole seconds."""
    assert {node["metadata"]["name"] for node in nodes} == set(MACHINES)
    conditions = [item for node in nodes for item in node["status"]["conditions"] if item["type"] == "Ready"]
    assert {item["status"] for item in conditions} == {"True"}
    return max(datetime.datetime.fromisoformat(item["lastTransitionTime"]).timestamp() for item in conditions)
