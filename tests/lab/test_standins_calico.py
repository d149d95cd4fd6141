"""Calico's stand-in on two nodes and a real API server: objects, VXLAN, pods that reach each other, what it refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.nodes import namespace, recipe
from lab.standins import manifest
from tests.lab.standin_world import API, World, newest, until, world

NODES = {"node-1": "10.244.1.0/24", "node-2": "10.244.2.0/24"}
PODS = {"node-1": "pod-1", "node-2": "pod-2"}
POOL = "10.244.0.0/16"
NEEDED = ("etcd", "kube-apiserver", "kubectl", "host-local", "standin-calico-node", "standin-calico")
CONFIGURATION = {
    "cniVersion": "1.0.0",
    "name": "k8s-pod-network",
    "type": "calico",
    "mtu": 0,
    "ipam": {"type": "calico-ipam"},
}
TRIES = 150
HEADERS = 28  # of IPv4 and ICMP


@pytest.fixture(scope="module")
def programs(machine: Path) -> dict[str, Path]:
    made = recipe.cache_dir() / "artifacts/programs"
    found = {name: newest(made, name) for name in NEEDED}
    if missing := [name for name, path in found.items() if path is None]:
        pytest.skip(f"{', '.join(missing)} not in {made}: run python -m lab artifacts")
    return {name: path for name, path in found.items() if path}


class Calico:
    """calico-node on both nodes, and the plugin as a container runtime calls it."""

    def __init__(self, surroundings: World, programs: dict[str, Path]) -> None:
        self.world = surroundings
        self._programs = programs
        for node in NODES:
            (surroundings.folder / node / "calico").mkdir(parents=True)

    def inside(self, node: str, *words: object) -> list[object]:
        """A command with the node's own /var/lib, which agent and plugin share."""
        script = f'mount --bind "{self.world.folder / node}" /var/lib && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, "sh", *words]

    def start(self, node: str, **environment: str) -> None:
        settings = {
            "KUBECONFIG": str(self.world.kubeconfig), "NODENAME": node, "CALICO_NETWORKING_BACKEND": "vxlan",
            "CLUSTER_TYPE": "k8s", "IP": "autodetect", "IP_AUTODETECTION_METHOD": "cidr=10.99.0.0/24",
            "CALICO_IPV4POOL_CIDR": POOL, "CALICO_IPV4POOL_VXLAN": "Always", "CALICO_IPV4POOL_IPIP": "Never",
            "FELIX_HEALTHENABLED": "true", "STANDIN_FOR_VERSION": "v3.31.7", **environment,
        }  # fmt: skip
        program = self._programs["standin-calico-node"]
        self.world.start(node, self.inside(node, program), settings, f"{node}.log")

    def ready(self, node: str) -> bool:
        return self.world.succeeds(node, self._programs["standin-calico-node"], "-felix-ready", "-felix-live")

    def plugin(self, node: str, command: str, code: int = 0) -> dict[str, Any]:
        """The plugin's answer; the pod's namespace is named as the pod."""
        pod = PODS[node]
        variables = {
            "CNI_COMMAND": command, "CNI_CONTAINERID": pod, "CNI_IFNAME": "eth0", "CNI_PATH": str(self.path()),
            "CNI_NETNS": f"/run/netns/{self.world.space(pod)}", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        }  # fmt: skip
        words = [*namespace.enter(self.world.space(node)), *map(str, self.inside(node, self.path() / "calico"))]
        done = subprocess.run(
            words, env=variables, input=json.dumps(CONFIGURATION), capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout or "{}")
        return answer

    def path(self) -> Path:
        """A folder with the plugins under their names, as on a node."""
        folder = self.world.folder / "cni"
        folder.mkdir(exist_ok=True)
        for name, program in {"calico": "standin-calico", "host-local": "host-local"}.items():
            if not (folder / name).exists():
                (folder / name).symlink_to(self._programs[program])
        return folder

    def pings(self, source: str, target: str, packet: int) -> bool:
        """Whether a packet of this size arrives in one piece."""
        return self.world.succeeds(source, "ping", "-c1", "-W2", "-M", "do", "-s", packet - HEADERS, target)

    def mtu(self, node: str, link: str = "vxlan.calico") -> int:
        return int(json.loads(self.world.call(node, "ip", "-json", "link", "show", link))[0]["mtu"])

    def readiness(self, node: str) -> str:
        return self.world.call(node, "curl", "-s", "http://127.0.0.1:9099/readiness")


def definitions() -> Sequence[dict[str, Any]]:
    said: list[str] = []
    found = list(yaml.safe_load_all(manifest.of_version(manifest.REDUCED_VERSION, said.append)))
    return [item for item in found if item and item["kind"] == "CustomResourceDefinition"]


@pytest.fixture(scope="module")
def calico(programs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calico]:
    """Both nodes have joined, calico-node is ready on both and each has one pod."""
    with world(tmp_path_factory.mktemp("calico"), programs, list(NODES)) as surroundings:
        surroundings.apply(*definitions())
        until(
            "the definitions are served",
            lambda: surroundings.succeeds(
                "core",
                programs["kubectl"],
                "--kubeconfig",
                surroundings.kubeconfig,
                "get",
                "ippools,felixconfigurations",
            ),
        )
        for node, cidr in NODES.items():
            surroundings.apply(
                {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}, "spec": {"podCIDR": cidr}}
            )
        made = Calico(surroundings, programs)
        made.plugin("node-1", "DEL")  # before there is anything
        for node in NODES:
            made.start(node)
        for node, pod in PODS.items():
            until(f"calico-node is ready on {node}", lambda node=node: made.ready(node), TRIES)
            surroundings.add_space(pod)
            made.plugin(node, "ADD")
        yield made


def test_objects_that_others_look_for_are_made(calico: Calico) -> None:
    kubectl = calico.world.kubectl
    pool = kubectl("get", "ippool", "default-ipv4-ippool")["spec"]
    assert (pool["cidr"], pool["vxlanMode"], pool["ipipMode"], pool["natOutgoing"]) == (POOL, "Always", "Never", True)
    cluster = kubectl("get", "clusterinformation", "default")
    assert cluster["spec"]["calicoVersion"] == "v3.31.7"
    assert cluster["spec"]["datastoreReady"] is True
    assert "NetworkPolicy is not enforced" in cluster["metadata"]["annotations"]["lab.detectviz.io/standin"]
    assert kubectl("get", "felixconfiguration", "default")["spec"]["logSeverityScreen"] == "Info"


def test_nodes_tell_their_address_and_that_the_network_is_there(calico: Calico) -> None:
    for number, node in enumerate(NODES, 11):
        found = calico.world.kubectl("get", "node", node)
        annotations = found["metadata"]["annotations"]
        assert annotations["projectcalico.org/IPv4Address"] == f"10.99.0.{number}/24"
        assert "NetworkPolicy is not enforced" in annotations["lab.detectviz.io/standin"]
        conditions = {one["type"]: one for one in found["status"]["conditions"]}
        assert (conditions["NetworkUnavailable"]["status"], conditions["NetworkUnavailable"]["reason"]) == (
            "False",
            "CalicoIsUp",
        )


def test_pods_reach_each_other_through_vxlan_with_packets_of_the_full_size(calico: Calico) -> None:
    address = json.loads(calico.world.call("pod-2", "ip", "-json", "-4", "address", "show", "eth0"))[0]["addr_info"][0]
    assert address["prefixlen"] == 32 and address["local"].startswith("10.244.2.")
    mtu = calico.mtu("node-1")
    assert mtu == 1450, "the network's 1500 less 50"
    assert calico.pings("pod-1", address["local"], mtu)
    assert not calico.pings("pod-1", address["local"], mtu + 1)
    assert "dev vxlan.calico" in calico.world.call("node-1", "ip", "route", "get", address["local"])


def test_what_leaves_the_pools_has_the_nodes_address(calico: Calico) -> None:
    assert calico.pings("pod-1", API, 100), "core has no way back to a pod's own address"
    assert "masquerade" in calico.world.call("node-1", "nft", "list", "table", "ip", "lab-standin-calico")


def test_device_follows_felix_configuration_and_metrics_appear(calico: Calico) -> None:
    spec = {"vxlanMTU": 1300, "prometheusMetricsEnabled": True, "prometheusMetricsPort": 9191}
    calico.world.kubectl("patch", "felixconfiguration", "default", "--type=merge", "-p", json.dumps({"spec": spec}))
    until("the device has the new MTU", lambda: calico.mtu("node-2") == 1300, TRIES)
    until(
        "figures are served",
        lambda: calico.world.succeeds("node-1", "curl", "-sf", "http://127.0.0.1:9191/metrics"),
        TRIES,
    )
    figures = calico.world.call("node-1", "curl", "-s", "http://127.0.0.1:9191/metrics")
    assert "felix_active_local_endpoints 1" in figures and "felix_cluster_num_hosts 2" in figures
    restore = json.dumps({"spec": {"vxlanMTU": None}})
    calico.world.kubectl("patch", "felixconfiguration", "default", "--type=merge", "-p", restore)
    until("the MTU is found again", lambda: calico.mtu("node-2") == 1450, TRIES)


def test_settings_of_others_are_kept_when_the_agent_starts_again(calico: Calico) -> None:
    patch = json.dumps({"spec": {"logSeverityScreen": "Debug"}})
    calico.world.kubectl("patch", "felixconfiguration", "default", "--type=merge", "-p", patch)
    before = calico.world.kubectl("get", "felixconfiguration,ippool,clusterinformation")["items"]
    calico.start("node-1", FELIX_HEALTHENABLED="false")  # a second one on the node: its start is what counts
    until("it has started", lambda: calico.world.log("node-1.log").count("the fabric is as planned") >= 2, TRIES)
    assert calico.world.kubectl("get", "felixconfiguration,ippool,clusterinformation")["items"] == before


def test_encapsulation_that_it_does_not_do_makes_it_unready_and_says_why(calico: Calico) -> None:
    patch = {"spec": {"ipipMode": "Always", "vxlanMode": "Never"}}
    kubectl = calico.world.kubectl
    kubectl("patch", "ippool", "default-ipv4-ippool", "--type=merge", "-p", json.dumps(patch))
    until("it is not ready", lambda: not calico.ready("node-1"), TRIES)
    assert "IPIP" in calico.readiness("node-1")
    patch = {"spec": {"ipipMode": "Never", "vxlanMode": "Always"}}
    kubectl("patch", "ippool", "default-ipv4-ippool", "--type=merge", "-p", json.dumps(patch))
    for node in NODES:
        until("it is ready again", lambda node=node: calico.ready(node), TRIES)


def test_probes_of_bird_fail_as_there_is_none(calico: Calico, programs: dict[str, Path]) -> None:
    done = subprocess.run([programs["standin-calico-node"], "-bird-ready"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "BIRD" in done.stderr


def test_pods_go_and_nodes_go(calico: Calico) -> None:
    calico.plugin("node-2", "DEL")
    calico.plugin("node-2", "DEL")
    assert ": cali" not in calico.world.call("node-2", "ip", "link")
    calico.world.call(
        "core", calico._programs["kubectl"], "--kubeconfig", calico.world.kubeconfig, "delete", "node", "node-2"
    )
    until("the way to its pods is gone", lambda: "10.244.2.0" not in calico.world.call("node-1", "ip", "route"), TRIES)


def test_a_node_that_is_registered_again_is_told_again(calico: Calico) -> None:
    world, kubectl = calico.world, calico._programs["kubectl"]
    world.call("core", kubectl, "--kubeconfig", world.kubeconfig, "delete", "node", "node-1")
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}, "spec": {"podCIDR": "10.244.7.0/24"}}
    world.apply(node)

    def told() -> bool:
        found = world.kubectl("get", "node", "node-1")
        tunnel = found["metadata"].get("annotations", {}).get("projectcalico.org/IPv4VXLANTunnelAddr")
        return tunnel == "10.244.7.0" and any(
            one["reason"] == "CalicoIsUp" for one in found["status"].get("conditions", [])
        )

    until("address and condition are there again", told, TRIES)
    until("it is ready", lambda: calico.ready("node-1"), TRIES)
