"""Six ways to lose the node that has the virtual address, each with its mend. None uses anything of the collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.nodes.commands import run
from tests.lab.cluster.cluster import MASTERS, Cluster, eventually
from tests.lab.test_site import IDS, MACHINES

MANIFEST = "kube-apiserver.yaml"
KUBE_VIP = "-f '^[^ ]*kube-vip manager'"
"""Its process, for pgrep and pkill."""


@dataclass(frozen=True)
class Way:
    name: str
    fault: Callable[[Cluster, str], None]
    mend: Callable[[Cluster, str], None]


def vm_id(name: str) -> int:
    return IDS[list(MACHINES).index(name)]


def switched_off(cluster: Cluster, name: str) -> None:
    cluster.power(name, "stop")


def switched_on(cluster: Cluster, name: str) -> None:
    cluster.power(name, "start")


def kube_vip_killed(cluster: Cluster, name: str) -> None:
    cluster.on(name, f"pkill -KILL {KUBE_VIP}")


def nothing(cluster: Cluster, name: str) -> None:
    """The kubelet mends it."""


def api_server_stopped(cluster: Cluster, name: str) -> None:
    """Its kubelet ends it in good order and does not start it again."""
    cluster.on(name, f"mv /etc/kubernetes/manifests/{MANIFEST} /etc/kubernetes/{MANIFEST}")


def api_server_started(cluster: Cluster, name: str) -> None:
    cluster.on(name, f"mv /etc/kubernetes/{MANIFEST} /etc/kubernetes/manifests/{MANIFEST}")


def kubelet_stopped(cluster: Cluster, name: str) -> None:
    cluster.on(name, "systemctl stop kubelet")


def kubelet_started(cluster: Cluster, name: str) -> None:
    cluster.on(name, "systemctl start kubelet")


def unplugged(cluster: Cluster, name: str) -> None:
    """Its cards keep their carrier, as behind a switch that has failed: the node itself sees no difference."""
    for card in (0, 1):
        cluster.lab("exec", "--", "ip", "link", "set", f"tap{vm_id(name)}i{card}", "nomaster")


def plugged(cluster: Cluster, name: str) -> None:
    for card in (0, 1):
        cluster.lab("exec", "--", "ip", "link", "set", f"tap{vm_id(name)}i{card}", "master", f"vmbr{card}")


def frozen(cluster: Cluster, name: str) -> None:
    """A machine that stands still sends nothing. Of a container the kernel goes on: its cables are pulled as well."""
    unplugged(cluster, name)
    _runc(cluster, "pause", name)


def thawed(cluster: Cluster, name: str) -> None:
    """It goes on as if no time had passed."""
    plugged(cluster, name)
    _runc(cluster, "resume", name)


def _runc(cluster: Cluster, word: str, name: str) -> None:
    root = cluster.lab.folder / "systems/runc"
    run("runc", "--root", root, word, f"{cluster.lab.namespace}-{vm_id(name)}")


WAYS = [
    Way("guest killed", switched_off, switched_on),
    Way("kube-vip killed", kube_vip_killed, nothing),
    Way("API server stopped", api_server_stopped, api_server_started),
    Way("kubelet stopped", kubelet_stopped, kubelet_started),
    Way("frozen, then thawed", frozen, thawed),
    Way("cut off from the network", unplugged, plugged),
]


def back_off_is_over(cluster: Cluster) -> None:
    """A kubelet waits for up to five minutes with what has ended several times in ten, as it does here; a new one knows nothing
    of it."""
    for name in MASTERS:
        cluster.on(name, f"pgrep {KUBE_VIP} || systemctl restart kubelet")


def all_can_take_over(cluster: Cluster) -> None:
    """Every master's API server is ready by itself, and a kube-vip runs there: the next fault finds a whole cluster."""

    def ready() -> bool:
        for name in MASTERS:
            said = cluster.kubectl(f"--server=https://{MACHINES[name][0]}:6443", "get", "--raw", "/readyz")
            assert said.endswith("ok"), said
            cluster.on(name, f"pgrep {KUBE_VIP}")
        return cluster.ready() == set(MACHINES)

    eventually("every master can take over", ready)
