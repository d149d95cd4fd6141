# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expected beside found for a cluster: one thing is wrong at a time, and exactly that is missed."""

from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_info import is_settled
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_page import render_cluster_page
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_report import build_cluster_report, cluster_nodes
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import (
    CLIENT_CERTIFICATE,
    SERVING_CERTIFICATE,
)
from ansible_collections.detectviz.infra.plugins.module_utils._reach_targets import reach_targets
from certificate_factory import certificate

NOW, LATER = "2026-01-10T00:00:00+00:00", "2027-01-01T00:00:00+00:00"
TIME = datetime.datetime.fromisoformat(NOW)
CLIENT, SERVING = str(CLIENT_CERTIFICATE), str(SERVING_CERTIFICATE)
NODES = {"m1": "10.0.0.11", "m2": "10.0.0.12", "w1": "10.0.0.14"}
MASTERS = ["m1", "m2"]
TAINT = "node-role.kubernetes.io/control-plane:NoSchedule"
BUILT = {"kind": "package", "name": "kubelet", "label": "Detectviz-Lab", "text": "made by the lab"}
STANDIN = {"kind": "image", "name": "quay.io/calico/node:v3.31.7", "label": "io.detectviz.lab.standin", "text": "no Calico"}
FORWARD = "net.ipv4.ip_forward"
SWAP = {"device": "/dev/sdz9", "kind": "partition", "size_kb": 1}
STATIC = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-vip")
EXPECTED: dict[str, Any] = {
    "version": "1.36",
    "endpoint": "192.0.2.10:6443",
    "vip": "192.0.2.10",
    "masters": MASTERS,
    "certificate_names": ["192.0.2.10", "api.example"],
    "pod_cidrs": ["10.244.0.0/16"],
    "service_cidrs": ["10.96.0.0/12"],
    "proxy_mode": "iptables",
    "cni_mtu": 8950,
    "felix": {"vxlanMTU": 8950, "healthEnabled": True},
    "pools": {"default-ipv4-ippool": {"cidr": "10.244.0.0/16", "vxlanMode": "Always", "ipipMode": "Never"}},
    "kube_vip_version": "v1.2.3",
    "calico_version": "v3.31.7",
    "containerd_version": "2",
    "volume_group": "data-vg",
    "certificate_days": 30,
    "backup_hours": 0,
    "allow_standins": False,
    "calico_address_detection": "",
}


def hostvars() -> dict[str, dict[str, Any]]:
    """What the inventory and the checks know of each machine."""
    seen = {}
    for name in NODES:
        master = name in MASTERS
        inside = {
            "device_mapper": True,
            "volume_groups": {} if master else {"data-vg": {"size": (2 << 30) - (4 << 20), "free": 1 << 30}},
            "certificates": {"days": {"apiserver": 364, "admin.conf": 300}, "error": None} if master else None,
            "kubelet_certificates": {CLIENT: certificate(200, TIME), SERVING: certificate(300, TIME)},
            "super_admin": False,
            "marks": [],
            "system": system(),
        }
        seen[name] = {
            "node_role": "control_plane" if master else "worker",
            "disks": [{"name": "system", "size_gb": 40}, *([] if master else [{"name": "data", "size_gb": 2}])],
            "cluster_checks_node": {"probe": {"node": inside, "serve_problems": {}, "now": look(name, writes(1000, 2.0))}},
            "cluster_checks_reach": {"probe": {"reach": reach(name), "now": look(name, writes(1010, 2.05))}},
        }
    return seen


def look(name: str, written: dict[str, float]) -> dict[str, Any]:
    """What of a machine may be otherwise a moment later."""
    master = name in MASTERS
    return {
        "addresses": {"eth0": ["192.0.2.10/32"] if name == "m1" else []},
        "api": "ok" if master else None,
        "api_certificate": {"names": ["192.0.2.10", "api.example"], "not_after": LATER, "error": None} if master else None,
        "etcd": etcd() if master else None,
        "etcd_writes": written if master else None,
    }


def etcd() -> dict[str, Any]:
    members = [{"name": name, "learner": False} for name in MASTERS]
    return {"error": None, "healthy": True, "members": members, "leader": True, "alarms": []}


def system() -> dict[str, Any]:
    """An operating system as the roles make it."""
    return {
        "wanted": {"swap_allowed": False, "modules": ["br-netfilter"], "sysctls": {FORWARD: "1"},
                   "interfaces": [{"name": "eth0", "addresses": ["192.0.2.11/24"], "gateway": "192.0.2.1"}]},
        "container": False,
        "swap": {"active": [], "fstab": [], "units": [], "services": []},
        "modules": {"loadable": True, "kept": ["br_netfilter"], "loaded": {"br-netfilter": True}},
        "sysctls": {"live": {FORWARD: "1"}, "kept": {FORWARD: {"value": "1", "path": "/etc/sysctl.d/9.conf"}}},
        "default_routes": [route("192.0.2.1")],
    }  # fmt: skip


def route(gateway: str, metric: int = 0, *files: str) -> dict[str, Any]:
    return {"version": 4, "interface": "eth0", "gateway": gateway, "metric": metric, "announced": False, "files": list(files)}


def writes(count: int, seconds: float) -> dict[str, float]:
    return {"writes": float(count), "seconds": seconds}


def reach(node: str) -> dict[str, Any]:
    """What the pods of a node reached: everything, as the targets ask for."""
    seen = {}
    services = {"kubernetes": ["10.96.0.1"]}
    for pod in reach_targets(PROBE, node, 8950, services, ["example.org:443"])["reach"]:
        targets = pod["targets"]
        seen[pod["name"]] = {
            "error": None,
            "mtu": {"eth0": 8950},
            "pings": [{**ping, "sent": 3, "received": 3, "small": None} for ping in targets["pings"]],
            "echo": [{**target, "error": "", "segment": 8898} for target in targets["echo"]],
            "names": {name: {"addresses": list(found), "error": None} for name, found in targets["names"].items()},
            "blocked": [{**target, "blocked": True} for target in targets["blocked"]],
            "outside": [
                {**target, "named": {"addresses": ["192.0.2.7"], "error": None}, "reached": "192.0.2.7", "error": ""}
                for target in targets["outside"]
            ],
        }
    return seen


def pod(name: str, role: str, node: str, address: str) -> dict[str, Any]:
    return {"name": name, "role": role, "node": node, "uid": f"uid-{name}", "addresses": [address], "reason": ""}


PROBE: dict[str, Any] = {
    "namespace": "ns",
    "port": 7777,
    "service": {"name": "probe", "addresses": ["10.96.5.5"]},
    "pods": [
        *(pod(f"probe-{node}", "each", node, f"10.244.{number}.2") for number, node in enumerate(NODES)),
        pod("guarded", "guarded", "w1", "10.244.2.3"),
        pod("denied", "denied", "m1", "10.244.0.3"),
    ],
}


def node(name: str) -> dict[str, Any]:
    good = {"Ready": "True", "DiskPressure": "False", "MemoryPressure": "False", "PIDPressure": "False"}
    return {
        "labels": {"zone": "pve1", **({"node-role.kubernetes.io/control-plane": ""} if name in MASTERS else {})},
        "taints": [TAINT] if name in MASTERS else [],
        "unschedulable": False,
        "conditions": good,
        "addresses": [NODES[name]],
        "calico": [NODES[name]],
        "kubelet": "v1.36.3",
        "runtime": "containerd://2.4.2",
        "images": [],
        "standin": "",
    }


def system_pod(app: str, name: str) -> dict[str, Any]:
    images = {"kube-vip": ["ghcr.io/kube-vip/kube-vip:v1.2.3"], "calico-node": ["docker.io/calico/node:v3.31.7@sha256:0"]}
    images |= {app: [f"192.0.2.1:5000/{app}:v1.36.3"] for app in ("kube-proxy", *STATIC[1:4])}
    return {"name": f"{app}-{name}", "app": app, "node": name, "static": app in STATIC, "phase": "Running", "ready": True,
            "reason": "", "images": images.get(app, [])}  # fmt: skip


def cluster() -> dict[str, Any]:
    apps = {name: ["kube-proxy", "calico-node", *(STATIC if name in MASTERS else ())] for name in NODES}
    return {
        "server": "https://192.0.2.10:6443",
        "version": "v1.36.3",
        "health": "ok",
        "certificate": {"names": ["192.0.2.10", "api.example", "x"], "not_after": LATER, "error": None},
        "nodes": {name: node(name) for name in NODES},
        "pods": [system_pod(app, name) for name, listed in apps.items() for app in listed],
        "controllers": {"kube-proxy": {"wanted": 3, "ready": 3}, "calico-node": {"wanted": 3, "ready": 3},
                        "coredns": {"wanted": 2, "ready": 2}, "calico-kube-controllers": {"wanted": 1, "ready": 1}},
        "lease": {"holder": "m1", "renewed": True, "watched": 1.0, "duration": 5},
        "kubeadm": {"endpoint": "192.0.2.10:6443", "pod_cidrs": ["10.244.0.0/16"], "service_cidrs": ["10.96.0.0/12"]},
        "proxy_mode": "iptables",
        "felix": {"vxlanMTU": 8950, "healthEnabled": True, "bpfLogLevel": ""},
        "pools": {"default-ipv4-ippool": {"cidr": "10.244.0.0/16", "vxlanMode": "Always", "ipipMode": "Never"}},
        "services": {"kubernetes": ["10.96.0.1"], "dns": ["10.96.0.10"]},
    }  # fmt: skip


def of_a_daemon_set(name: str) -> dict[str, Any]:
    """A pod of kube-vip as its own manifest of a DaemonSet makes it."""
    return {**system_pod("kube-vip", name), "name": "kube-vip-ds-x7k2p", "app": "kube-vip-ds", "static": False}


def rows(variables: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    derived = {"node_labels": {name: {"zone": "pve1"} for name in NODES}, "node_addresses": NODES}
    return cluster_nodes(NODES, variables, derived)


def report(world: dict[str, Any]) -> dict[str, Any]:
    seen = {key: world.get(key) for key in ("cluster", "later", "probe", "backup", "kubeconfig")} | {"reason": "no route"}
    return build_cluster_report(rows(world["vars"]), seen, {**EXPECTED, **world.get("expected", {})}, NOW)


@pytest.fixture
def world() -> dict[str, Any]:
    """A cluster that is as the site says."""
    return {"cluster": cluster(), "probe": copy.deepcopy(PROBE), "vars": hostvars()}


def test_a_good_cluster_misses_nothing(world: dict[str, Any]) -> None:
    result = report(world)
    assert result["misses"] == []
    assert [row["check"] for row in result["unverified"]] == ["backup of etcd"]
    checks = {row["check"] for row in result["rows"] if row["guest"] == "m1"}
    assert {"DiskPressure", "taints", "etcd members", "pod: DNS kubernetes.default"} <= checks


def inside(world: dict[str, Any], name: str) -> dict[str, Any]:
    return world["vars"][name]["cluster_checks_node"]["probe"]["node"]


def reached(world: dict[str, Any], name: str) -> dict[str, Any]:
    return world["vars"][name]["cluster_checks_reach"]["probe"]["reach"]


def looks(world: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """What was seen of a machine at the first look, and at the second."""
    return [world["vars"][name][task]["probe"]["now"] for task in ("cluster_checks_node", "cluster_checks_reach")]


def spoil_looks(world: dict[str, Any], name: str, **changes: Any) -> None:
    for seen in looks(world, name):
        seen.update(changes)


def hold(world: dict[str, Any], *names: str, later: tuple[str, ...] | None = None) -> None:
    """These have the VIP at the first look, and these, or others, at the second."""
    for name in NODES:
        for seen, holders in zip(looks(world, name), (names, names if later is None else later), strict=True):
            seen["addresses"] = {"eth0": ["192.0.2.10/32"] if name in holders else []}


def os_of(world: dict[str, Any], name: str) -> dict[str, Any]:
    return inside(world, name)["system"]


def outside(world: dict[str, Any], name: str) -> dict[str, Any]:
    """What the pod on a node reached of the one target outside."""
    (target,) = reached(world, name)[f"probe-{name}"]["outside"]
    return target


def image_of(world: dict[str, Any], name: str, image: str) -> None:
    """The pod of that name runs this image."""
    for pod in world["cluster"]["pods"]:
        if pod["name"] == name:
            pod.update(images=[image])


KUBECONFIG = {"days_left": 29, "text": "control machine kubeconfig ends in 29 days", "remedy": "fetch it anew"}
BREAKS = {
    "DiskPressure": ("w1", lambda w: w["cluster"]["nodes"]["w1"]["conditions"].update(DiskPressure="True")),
    "taints": ("w1", lambda w: w["cluster"]["nodes"]["w1"]["taints"].append("node.kubernetes.io/disk-pressure:NoSchedule")),
    "Ready": ("m2", lambda w: w["cluster"]["nodes"]["m2"]["conditions"].update(Ready="Unknown")),
    "schedulable": ("w1", lambda w: w["cluster"]["nodes"]["w1"].update(unschedulable=True)),
    "InternalIP": ("m2", lambda w: w["cluster"]["nodes"]["m2"].update(addresses=["192.168.0.12"])),
    "Calico's address": ("m1", lambda w: w["cluster"]["nodes"]["m1"].update(calico=["192.0.2.10"])),
    "kubelet": ("w1", lambda w: w["cluster"]["nodes"]["w1"].update(kubelet="v1.35.4")),
    "container runtime": ("w1", lambda w: w["cluster"]["nodes"]["w1"].update(runtime="containerd://1.7.1")),
    "labels": ("w1", lambda w: w["cluster"]["nodes"]["w1"].update(labels={})),
    "node object": ("w1", lambda w: w["cluster"]["nodes"].pop("w1")),
    "kube-vip": ("m2", lambda w: [p.update(ready=False) for p in w["cluster"]["pods"] if p["name"] == "kube-vip-m2"]),
    "volume group data-vg": ("w1", lambda w: inside(w, "w1").update(volume_groups={})),
    "swap": ("w1", lambda w: os_of(w, "w1")["swap"].update(active=[SWAP])),
    "kernel module br-netfilter": ("w1", lambda w: os_of(w, "w1")["modules"]["loaded"].update({"br-netfilter": False})),
    f"sysctl {FORWARD}": ("m2", lambda w: os_of(w, "m2")["sysctls"]["live"].update({FORWARD: "0"})),
    "default routes": ("w1", lambda w: os_of(w, "w1").update(default_routes=[])),
    "API server of the node": ("m2", lambda w: spoil_looks(w, "m2", api="HTTP 500")),
    "etcd's health": ("m2", lambda w: spoil_looks(w, "m2", etcd={**etcd(), "alarms": ["NOSPACE"]})),
    "etcd's disk": ("m1", lambda w: looks(w, "m1")[1].update(etcd_writes=writes(1010, 5.1))),
    "etcd members": ("m1", lambda w: spoil_looks(w, "m1", etcd={**etcd(), "members": [{"name": "old", "learner": False}]})),
    "certificates": ("m1", lambda w: inside(w, "m1")["certificates"]["days"].update(apiserver=3)),
    "made in a lab": ("w1", lambda w: inside(w, "w1").update(marks=[BUILT])),
    "stand-ins": ("w1", lambda w: w["cluster"]["nodes"]["w1"].update(standin="stands for Calico")),
    "super-admin.conf": ("m1", lambda w: inside(w, "m1").update(super_admin=True)),
    "inspected": ("w1", lambda w: w["vars"]["w1"].update(cluster_checks_node={"msg": "tried\nno route to host"})),
    "MTU of pods": ("w1", lambda w: reached(w, "w1")["probe-w1"].update(mtu={"eth0": 1450})),
    "pod: 8950 bytes to the pod on m1 10.244.0.2": (
        "w1", lambda w: reached(w, "w1")["probe-w1"]["pings"][0].update(received=0, small=True),
    ),
    "pod: 256 KiB by TCP to Service probe 10.96.5.5": (
        "m1", lambda w: reached(w, "m1")["probe-m1"]["echo"][-1].update(error="timed out"),
    ),
    "pod: DNS kubernetes.default": (
        "m1", lambda w: reached(w, "m1")["probe-m1"]["names"]["kubernetes.default"].update(addresses=[], error="no answer"),
    ),
    "NetworkPolicy keeps the denied pod from the guarded pod": (
        "m1", lambda w: reached(w, "m1")["denied"]["blocked"][0].update(blocked=False),
    ),
    "pod: DNS example.org, outside": (
        "w1", lambda w: outside(w, "w1").update(named={"addresses": [], "error": "no such name"}, reached=None, error="no name"),
    ),
    "pod: TCP to example.org port 443, outside": (
        "w1", lambda w: outside(w, "w1").update(reached=None, error="timed out"),
    ),
    "pod probe-w1": ("w1", lambda w: w["probe"]["pods"][2].update(reason="ImagePullBackOff", addresses=[])),
    "asked at": ("cluster", lambda w: w["cluster"].update(server="https://192.0.2.11:6443")),
    "API version": ("cluster", lambda w: w["cluster"].update(version="v1.360.1")),
    "API health": ("cluster", lambda w: w["cluster"].update(health="[-]etcd failed")),
    "kubelet's certificates": ("w1", lambda w: inside(w, "w1")["kubelet_certificates"].update({CLIENT: certificate(29, TIME)})),
    "certificate in the kubeconfig": ("cluster", lambda w: w.update(kubeconfig=KUBECONFIG)),
    "names in the API's certificate": ("cluster", lambda w: w["cluster"]["certificate"].update(names=["192.0.2.10"])),
    "certificate of the API": ("cluster", lambda w: w["cluster"]["certificate"].update(not_after="2026-01-20T00:00:00+00:00")),
    "VIP 192.0.2.10": ("cluster", lambda w: hold(w, "m1", "m2")),
    "lease of the VIP": ("cluster", lambda w: w["cluster"]["lease"].update(renewed=False, watched=10.2)),
    "kube-vip beside the masters' static pods": ("cluster", lambda w: w["cluster"]["pods"].append(of_a_daemon_set("m1"))),
    "kubeadm's endpoint": ("cluster", lambda w: w["cluster"]["kubeadm"].update(endpoint="192.0.2.11:6443")),
    "pod networks": ("cluster", lambda w: w["cluster"]["kubeadm"].update(pod_cidrs=["192.168.0.0/16"])),
    "kube-proxy's mode": ("cluster", lambda w: w["cluster"].update(proxy_mode="ipvs")),
    "Felix: vxlanMTU": ("cluster", lambda w: w["cluster"].update(felix={"vxlanMTU": 1450})),
    "Felix: healthEnabled": ("cluster", lambda w: w["cluster"]["felix"].pop("healthEnabled")),
    "pool default-ipv4-ippool: ipipMode": (
        "cluster", lambda w: w["cluster"]["pools"]["default-ipv4-ippool"].update(ipipMode="Always"),
    ),
    "other pools in use": ("cluster", lambda w: w["cluster"]["pools"].update(old={"cidr": "10.1.0.0/16"})),
    "version of calico-node": ("cluster", lambda w: w["cluster"]["pods"][1].update(images=["calico/node:v3.27.3"])),
    "nodes": ("cluster", lambda w: w["cluster"]["nodes"].update(stranger=node("w1"))),
    "DaemonSet kube-proxy": ("cluster", lambda w: w["cluster"]["controllers"].pop("kube-proxy")),
    "coredns": ("cluster", lambda w: w["cluster"]["controllers"]["coredns"].update(ready=1)),
    "calico-kube-controllers": ("cluster", lambda w: w["cluster"]["controllers"]["calico-kube-controllers"].update(ready=0)),
    "version of kube-proxy": ("cluster", lambda w: image_of(w, "kube-proxy-w1", "kube-proxy:v1.35.7")),
    "version of kube-apiserver": ("m2", lambda w: image_of(w, "kube-apiserver-m2", "kube-apiserver:v1.35.7")),
    "version of kube-controller-manager": ("m1", lambda w: image_of(w, "kube-controller-manager-m1", "k-c-m:v1.35.7@sha256:0")),
    "version of kube-scheduler": ("m2", lambda w: image_of(w, "kube-scheduler-m2", "192.0.2.1:5000/kube-scheduler")),
    "pods to look from": ("cluster", lambda w: w.update(probe=None)),
    "backup of etcd": ("cluster", lambda w: w.update(expected={"backup_hours": 24}, backup=1.0)),
}  # fmt: skip


@pytest.mark.parametrize("check", BREAKS)
def test_one_fault_is_missed_by_its_check(world: dict[str, Any], check: str) -> None:
    subject, spoil = BREAKS[check]
    spoil(world)
    missed = [(row["guest"], row["check"]) for row in report(world)["misses"]]
    assert (subject, check) in missed
    assert {guest for guest, _check in missed} <= {subject, "cluster"}, "a fault is told where it is"


def test_a_site_that_has_calico_look_elsewhere_gets_what_it_asked_for(world: dict[str, Any]) -> None:
    world["expected"] = {"calico_address_detection": "interface=eth0"}
    world["cluster"]["nodes"]["m1"]["calico"] = ["192.168.0.11"]
    assert row_of(world, "m1", "Calico's address") == ("192.168.0.11", "ok")
    world["cluster"]["nodes"]["m1"]["calico"] = []
    assert row_of(world, "m1", "Calico's address") == ("none", "MISS")


@pytest.mark.parametrize(
    ("runtime", "site", "own", "verdict"),
    [
        ("containerd://2.4.2", "2", None, "ok"),
        ("containerd://2.4.2", "2.4", None, "ok"),
        ("containerd://2.4.2", "2.4.2", None, "ok"),
        ("containerd://v2.4.2", "2", None, "ok"),
        ("containerd://2.4.2", "2.40", None, "MISS"),
        ("containerd://1.7.27", "1.7", None, "ok"),
        ("containerd://1.7.24~ds1", "1.7.24", None, "ok"),
        ("containerd://2.4.2", "1.7", None, "MISS"),
        ("containerd://1.7.27", "2", None, "MISS"),
        ("containerd://1.7.27", "2", "1.7", "ok"),
        ("containerd://2.4.2", "2", "2.4.2-1~debian.12~bookworm", "ok"),
        ("containerd://v2.4.2", "2", "1:2.4.2~ds1-1", "ok"),
        ("containerd://2.4.3", "2", "2.4.2-1~debian.12~bookworm", "MISS"),
        ("containerd://2.4.2", "2", "1", "MISS"),
        ("cri-o://2.4.2", "2", None, "MISS"),
        (None, "2", None, "MISS"),
    ],
)
def test_the_container_runtime_is_the_one_that_the_site_wants(
    world: dict[str, Any], runtime: str | None, site: str, own: str | None, verdict: str
) -> None:
    world["cluster"]["nodes"]["w1"]["runtime"] = runtime
    world["expected"] = {"containerd_version": site}
    world["vars"]["w1"]["containerd_version"] = own
    assert row_of(world, "w1", "container runtime") == (str(runtime), verdict)
    assert row_of(world, "m1", "container runtime")[1] == ("ok" if site.startswith("2") and site != "2.40" else "MISS")


@pytest.mark.parametrize(
    ("field", "wanted", "felix", "verdict"),
    [
        ("healthPort", "9099", {"healthPort": 9099}, "ok"),
        ("healthPort", 9099, {"healthPort": 9098}, "MISS"),
        ("healthPort", 1, {"healthPort": True}, "MISS"),
        ("healthEnabled", "True", {"healthEnabled": True}, "ok"),
        ("healthEnabled", False, {"healthEnabled": True}, "MISS"),
        ("healthEnabled", False, {}, "MISS"),
        ("reportingInterval", "90s", {"reportingInterval": "1m30s"}, "ok"),
        ("reportingInterval", "30s", {"reportingInterval": "30m"}, "MISS"),
        ("logSeverityScreen", "Info", {"logSeverityScreen": "Debug"}, "MISS"),
        ("logSeverityScreen", "Info", None, "MISS"),
        ("iptablesMarkMask", 0xFFFF0000, {}, "ok"),
        ("iptablesMarkMask", "0x0fff0000", {"iptablesMarkMask": 0x0FFF0000}, "ok"),
        ("iptablesMarkMask", 0x0FFF0000, {}, "MISS"),
        ("failsafeInboundHostPorts", [{"port": "22"}], {"failsafeInboundHostPorts": [{"port": 22}]}, "ok"),
        ("failsafeInboundHostPorts", [], {"failsafeInboundHostPorts": [{"port": 22}]}, "MISS"),
    ],
)
def test_felix_has_what_it_was_given_in_whatever_form(
    world: dict[str, Any], field: str, wanted: Any, felix: dict[str, Any] | None, verdict: str
) -> None:
    world["expected"] = {"felix": {field: wanted, "bpfLogLevel": None}}
    world["cluster"]["felix"] = felix
    assert row_of(world, "cluster", f"Felix: {field}")[1] == verdict
    assert not [row for row in report(world)["rows"] if row["check"] == "Felix: bpfLogLevel"], "nobody has given it"


BESIDE = "kube-vip beside the masters' static pods"


@pytest.mark.parametrize(
    ("pod", "noticed"),
    [
        (of_a_daemon_set("m1"), True),
        ({**of_a_daemon_set("m2"), "app": "kube-vip", "images": ["192.0.2.1:5000/kube-vip:v0.8.9@sha256:0"]}, True),
        ({**of_a_daemon_set("m2"), "images": ["ghcr.io/kube-vip/kube-vip-iptables:v1.2.3"]}, True),
        (system_pod("kube-vip", "w1"), True),
        ({**of_a_daemon_set("w1"), "images": ["ghcr.io/kube-vip/kube-vip-cloud-provider:v0.0.12"]}, False),
    ],
    ids=["DaemonSet", "labelled as the static one", "with iptables", "static on a worker", "cloud provider"],
)
def test_only_static_pods_of_masters_run_kube_vip(world: dict[str, Any], pod: dict[str, Any], noticed: bool) -> None:
    """F3: two of them on a node have one lease, one name and one port."""
    world["cluster"]["pods"].append(pod)
    (found,) = [row for row in report(world)["rows"] if row["check"] == BESIDE]
    assert found["verdict"] == ("MISS" if noticed else "ok")
    assert (pod["name"] in found["found"]) == noticed


@pytest.mark.parametrize(
    ("own", "calico", "good"),
    [
        (["10.0.0.11"], ["10.0.0.11"], True),
        (["10.0.0.11"], ["192.168.0.11"], False),
        (["10.0.0.11"], [], False),
        (["10.0.0.11", "fd00::11"], ["10.0.0.11", "fd00::11"], True),
        (["fd00::11", "10.0.0.11"], ["10.0.0.11", "fd00::11"], True),
        (["10.0.0.11", "fd00::11"], ["10.0.0.11"], False),
        (["10.0.0.11"], ["10.0.0.11", "fd00::11"], False),
    ],
)
def test_calico_has_the_addresses_of_the_clusters_network(
    world: dict[str, Any], own: list[str], calico: list[str], good: bool
) -> None:
    """F19: what kubelets, etcd and Calico use is one network."""
    world["cluster"]["nodes"]["m1"].update(addresses=own, calico=calico)
    derived = {"node_labels": {name: {"zone": "pve1"} for name in NODES}, "node_addresses": NODES, "node_ips": {"m1": own}}
    seen = {"cluster": world["cluster"], "probe": world["probe"], "reason": "", "backup": None}
    misses = build_cluster_report(cluster_nodes(NODES, world["vars"], derived), seen, EXPECTED, NOW)["misses"]
    assert [(row["guest"], row["check"]) for row in misses] == ([] if good else [("m1", "Calico's address")])


@pytest.mark.parametrize("vip", ["fd00::10", "FD00::10", "fd00:0:0:0:0:0:0:10"])
def test_the_holder_of_an_ipv6_address_is_found_however_it_is_written(world: dict[str, Any], vip: str) -> None:
    hold(world)
    world["expected"] = {"vip": vip}
    assert row_of(world, "cluster", f"VIP {vip}") == ("nobody", "MISS")
    spoil_looks(world, "m1", addresses={"eth0": ["fd00::10/128"]})
    assert row_of(world, "cluster", f"VIP {vip}") == ("m1", "ok")


@pytest.mark.parametrize("wanted", ["fd00::11", "FD00::11", "fd00:0:0:0:0:0:0:11"])
def test_an_ipv6_address_of_the_table_is_found_in_the_certificate_however_it_is_written(world: dict[str, Any], wanted: str) -> None:
    world["expected"] = {"certificate_names": ["api.example", wanted]}
    assert row_of(world, "cluster", "names in the API's certificate") == (f"missing: {wanted}", "MISS")
    world["cluster"]["certificate"]["names"].append("fd00::11")
    assert row_of(world, "cluster", "names in the API's certificate") == ("all there", "ok")


def row_of(world: dict[str, Any], guest: str, check: str) -> tuple[str, str]:
    """(found, verdict) of one row."""
    ((found, verdict),) = [
        (row["found"], row["verdict"]) for row in report(world)["rows"] if (row["guest"], row["check"]) == (guest, check)
    ]
    return found, verdict


def test_swap_is_named_now_and_at_boot_unless_it_may_stay_or_is_a_hosts(world: dict[str, Any]) -> None:
    seen = os_of(world, "w1")
    seen["swap"].update(fstab=["/dev/sdz9 none swap sw 0 0"], units=["dev-sdz9.swap"], services=["zramswap.service"])
    told = "made again at boot by /etc/fstab: /dev/sdz9 none swap sw 0 0; dev-sdz9.swap; zramswap.service"
    assert row_of(world, "w1", "swap") == (told, "MISS")
    seen["swap"]["active"] = [SWAP]
    assert row_of(world, "w1", "swap") == ("/dev/sdz9", "MISS")
    seen["container"] = True
    assert row_of(world, "w1", "swap") == ("a container sees its host's: /dev/sdz9", "not verified here")
    seen["wanted"]["swap_allowed"] = True
    assert row_of(world, "w1", "swap") == ("/dev/sdz9", "ok")


def test_a_kernel_module_must_be_kept_and_is_not_verified_where_none_can_be_loaded(world: dict[str, Any]) -> None:
    seen, check = os_of(world, "w1")["modules"], "kernel module br-netfilter"
    assert row_of(world, "w1", check) == ("loaded, now and at boot", "ok")
    seen["loadable"] = False
    assert row_of(world, "w1", check) == ("its function is there, and this machine cannot load modules", "not verified here")
    seen["kept"] = []
    assert row_of(world, "w1", check) == ("no file in modules-load.d names it", "MISS")


def test_a_kernel_parameter_must_be_there_and_set_at_boot(world: dict[str, Any]) -> None:
    seen, check = os_of(world, "w1")["sysctls"], f"sysctl {FORWARD}"
    assert row_of(world, "w1", check) == ("1", "ok")
    seen["kept"] = {}
    assert row_of(world, "w1", check) == (f"{FORWARD} is set by no file: it is lost with the next boot", "MISS")
    seen["live"] = {FORWARD: None}
    assert row_of(world, "w1", check)[0].startswith(f"{FORWARD} does not exist")


@pytest.mark.parametrize(
    ("other", "told", "verdict"),
    [
        (route("192.0.2.254", 0, "/etc/netplan/50-cloud-init.yaml"), "take it out of /etc/netplan/50-cloud-init.yaml", "MISS"),
        (route("192.0.2.254"), "away where it is set, which no file of the network tells", "MISS"),
        (route("192.0.2.254", 100), "with metric 100 behind the table's", "not verified here"),
    ],
    ids=["of a file", "of no file", "never taken"],
)
def test_a_default_route_that_the_table_does_not_have_is_told_with_its_file(
    world: dict[str, Any], other: dict[str, Any], told: str, verdict: str
) -> None:
    os_of(world, "w1")["default_routes"].append(other)
    found, said = row_of(world, "w1", "default routes")
    assert said == verdict
    assert found.startswith("192.0.2.1 (eth0), 192.0.2.254 (eth0); that by 192.0.2.254 (eth0)") and told in found


def test_without_interfaces_in_the_table_no_default_route_is_expected(world: dict[str, Any]) -> None:
    os_of(world, "w1")["wanted"]["interfaces"] = []
    assert "default routes" not in [row["check"] for row in report(world)["rows"] if row["guest"] == "w1"]


@pytest.mark.parametrize(
    ("first", "later", "told"),
    [
        ((), ("m2",), ("m2", "ok")),
        (("m1", "m2"), ("m2",), ("m2", "ok")),
        (("m1",), (), ("m1", "ok")),
        ((), (), ("nobody", "MISS")),
        ((), ("m1", "m2"), ("m1, m2", "MISS")),
        (("m1", "m2"), ("m1", "m2"), ("m1, m2", "MISS")),
        (("w1",), ("w1",), ("w1", "MISS")),
    ],
)
def test_an_address_that_moves_between_two_nodes_looks_is_held(
    world: dict[str, Any], first: tuple[str, ...], later: tuple[str, ...], told: tuple[str, str]
) -> None:
    hold(world, *first, later=later)
    world["later"] = cluster()
    world["later"]["lease"]["holder"] = (later or ("m1",))[0]
    assert row_of(world, "cluster", "VIP 192.0.2.10") == told
    assert ("lease of the VIP" in [row["check"] for row in report(world)["misses"]]) == ("w1" in later)


@pytest.mark.parametrize(
    ("first", "later", "missed"),
    [
        (("m1", "m2"), (None, "m2"), {"VIP": "nobody"}),
        (("m1", "m2"), ("m1", "m2"), {"lease": "m2, renewed"}),
        ((None, "m1"), ("m2", "m1"), {"lease": "m1, renewed"}),
        (("m1", "m2"), ("m2", "m2"), {}),
        (("m1", "m1"), (None, "m2"), {}),
    ],
)
def test_who_holds_the_address_has_its_lease_at_the_same_look(
    world: dict[str, Any], first: tuple[str | None, str], later: tuple[str | None, str], missed: dict[str, str]
) -> None:
    """(who has the VIP, whose the lease is) at each look."""
    world["later"] = cluster()
    hold(world, *filter(None, first[:1]), later=tuple(filter(None, later[:1])))
    at(world, 0)["lease"]["holder"], at(world, 1)["lease"]["holder"] = first[1], later[1]
    assert {row["check"].split()[0]: row["found"] for row in report(world)["misses"]} == missed


def test_a_lease_that_is_not_renewed_is_told_with_how_long_it_was_watched(world: dict[str, Any]) -> None:
    assert row_of(world, "cluster", "lease of the VIP") == ("m1, renewed", "ok")
    world["cluster"]["lease"].update(renewed=False, watched=10.2)
    assert row_of(world, "cluster", "lease of the VIP") == ("m1, not renewed in 10 s", "MISS")
    world["cluster"]["lease"].update(holder="")
    assert row_of(world, "cluster", "lease of the VIP") == ("nobody, not renewed in 10 s", "MISS")


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ({"names": ["192.0.2.10"], "error": None}, "missing: api.example"),
        ({"names": [], "error": "Connection refused"}, "Connection refused"),
        (None, "none"),
    ],
)
def test_names_of_a_masters_own_api_server_are_told_of_that_master(
    world: dict[str, Any], shown: dict[str, Any] | None, told: str
) -> None:
    """The address of the cluster leads to one of them alone."""
    spoil_looks(world, "m2", api_certificate=shown)
    misses = [(row["guest"], row["check"], row["found"]) for row in report(world)["misses"]]
    assert misses == [("m2", "names in the API's certificate", told)]
    looks(world, "m2")[0].update(api_certificate=looks(world, "m1")[0]["api_certificate"])
    assert report(world)["misses"] == []


def test_a_node_is_there_if_it_is_at_the_second_look(world: dict[str, Any]) -> None:
    world["later"] = cluster()
    del world["later"]["nodes"]["w1"]
    misses = [(row["guest"], row["check"]) for row in report(world)["misses"]]
    assert misses == [("cluster", "nodes"), ("w1", "node object")]
    world["later"], world["cluster"] = world["cluster"], world["later"]
    assert report(world)["misses"] == []
    world["later"]["nodes"]["stranger"] = node("w1")
    assert [(row["guest"], row["check"]) for row in report(world)["misses"]] == [("cluster", "nodes")]


TIMED_OUT = {"error": "The read operation timed out"}
PASSING = {
    "API server of the node": ("m2", lambda w, turn: looks(w, "m2")[turn].update(api="HTTP 500")),
    "etcd's health": ("m2", lambda w, turn: looks(w, "m2")[turn].update(etcd=TIMED_OUT)),
    "Ready": ("w1", lambda w, turn: at(w, turn)["nodes"]["w1"]["conditions"].update(Ready="Unknown")),
    "kube-vip": ("m2", lambda w, turn: [p.update(ready=False) for p in at(w, turn)["pods"] if p["name"] == "kube-vip-m2"]),
    "API health": ("cluster", lambda w, turn: at(w, turn).update(health="[-]etcd failed")),
    "coredns": ("cluster", lambda w, turn: at(w, turn)["controllers"]["coredns"].update(ready=1)),
    "lease of the VIP": ("cluster", lambda w, turn: at(w, turn)["lease"].update(renewed=False, watched=10.2)),
}  # fmt: skip


def at(world: dict[str, Any], turn: int) -> dict[str, Any]:
    """The cluster at the first look (0), or at the second."""
    return world["later" if turn else "cluster"]


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("check", PASSING)
def test_what_is_right_at_one_of_two_looks_is_no_miss(world: dict[str, Any], check: str, turn: int) -> None:
    """On a busy machine something healthy does not answer in time, once."""
    subject, spoil = PASSING[check]
    world["later"] = cluster()
    spoil(world, turn)
    assert report(world)["misses"] == []
    assert row_of(world, subject, check)[1] == "ok"
    spoil(world, 1 - turn)
    assert (subject, check) in [(row["guest"], row["check"]) for row in report(world)["misses"]]


def test_a_miss_at_one_look_is_not_lost_where_the_other_had_no_answer(world: dict[str, Any]) -> None:
    looks(world, "m1")[0]["etcd"]["members"].append({"name": "old", "learner": False})
    looks(world, "m1")[1]["etcd"] = TIMED_OUT
    assert [(row["guest"], row["check"]) for row in report(world)["misses"]] == [("m1", "etcd members")]


def test_a_node_that_was_looked_at_once_is_judged_by_that(world: dict[str, Any]) -> None:
    world["vars"]["m2"]["cluster_checks_reach"] = {"msg": "no route to host"}
    assert row_of(world, "m2", "etcd's health") == ("healthy", "ok")
    world["vars"]["m2"]["cluster_checks_node"]["probe"]["now"]["etcd"] = TIMED_OUT
    assert row_of(world, "m2", "etcd's health") == (TIMED_OUT["error"], "MISS")


LOST = {"unreachable": True, "msg": "Failed to connect:\nno route to host"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [({"failed": True, "msg": "Timed out after 300 second(s)."}, "Timed out after 300 second(s)."), (LOST, "no route to host"),
     (None, "no answer")],
    ids=["failed", "unreachable", "never asked"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["m1", "w1"])
def test_pods_that_were_not_looked_from_are_one_miss(
    world: dict[str, Any], name: str, answer: dict[str, Any] | None, told: str
) -> None:
    """m1 has the denied pod as well, and w1 the guarded one."""
    world["vars"][name]["cluster_checks_reach"] = answer
    misses = [(row["guest"], row["check"], row["found"]) for row in report(world)["misses"]]
    assert misses == [(name, "its pods", told)]


def test_of_pods_that_are_not_there_or_told_already_it_is_not_said_that_they_were_not_looked_from(world: dict[str, Any]) -> None:
    world["vars"]["w1"]["cluster_checks_reach"] = LOST
    world["vars"]["w1"]["cluster_checks_node"], kept = LOST, world["vars"]["w1"]["cluster_checks_node"]
    assert [(row["check"], row["found"]) for row in report(world)["misses"]] == [("inspected", "no route to host")]
    world["vars"]["w1"]["cluster_checks_node"] = kept
    world["probe"]["pods"][2].update(reason="ImagePullBackOff", addresses=[])
    assert [(row["check"], row["found"]) for row in report(world)["misses"]] == [("pod probe-w1", "ImagePullBackOff")]
    world["probe"] = None
    assert [row["check"] for row in report(world)["misses"]] == ["pods to look from"]


def test_an_operating_system_that_was_not_read_is_not_verified(world: dict[str, Any]) -> None:
    inside(world, "w1")["system"] = None
    assert row_of(world, "w1", "operating system") == ("it was not read", "not verified here")


DNS = [
    ({"wanted": 2, "ready": 2}, 3, "ok"),
    ({"wanted": 3, "ready": 3}, 3, "ok"),
    ({"wanted": 2, "ready": 1}, 3, "MISS"),
    ({"wanted": 1, "ready": 1}, 3, "MISS"),
    ({"wanted": 1, "ready": 1}, 2, "MISS"),
    ({"wanted": 1, "ready": 1}, 1, "ok"),
    ({"wanted": 2, "ready": 1}, 1, "MISS"),
    ({"wanted": 0, "ready": 0}, 1, "MISS"),
]


@pytest.mark.parametrize(("dns", "nodes", "verdict"), DNS)
def test_one_pod_that_answers_names_is_too_few_for_several_nodes(
    world: dict[str, Any], dns: dict[str, int], nodes: int, verdict: str
) -> None:
    world["cluster"]["controllers"]["coredns"] = dns
    chosen = list(NODES)[:nodes]
    world["cluster"]["nodes"] = {name: world["cluster"]["nodes"][name] for name in chosen}
    seen = {"cluster": world["cluster"], "probe": None, "reason": "", "backup": None}
    told = build_cluster_report(cluster_nodes(chosen, world["vars"], {}), seen, EXPECTED, NOW)["rows"]
    (row,) = [row for row in told if row["check"] == "coredns"]
    assert (row["found"], row["verdict"]) == (f"{dns['ready']} ready of {dns['wanted']}", verdict)


@pytest.mark.parametrize("name", ["coredns", "calico-kube-controllers"])
def test_a_cluster_without_one_of_its_deployments_is_told(world: dict[str, Any], name: str) -> None:
    del world["cluster"]["controllers"][name]
    assert row_of(world, "cluster", name) == ("there is none", "MISS")


@pytest.mark.parametrize(("version", "verdict"), [("1.36", "ok"), ("1.36.3", "ok"), ("v1.36.3", "ok"), ("1.36.4", "MISS"), ("1.3", "MISS")])
def test_what_is_of_kubernetes_own_version_is_compared_as_far_as_the_site_says_it(
    world: dict[str, Any], version: str, verdict: str
) -> None:
    world["expected"] = {"version": version}
    checks = [("cluster", "API version"), ("cluster", "version of kube-proxy"), ("w1", "kubelet"), ("m2", "version of kube-scheduler")]
    assert {row_of(world, *check) for check in checks} == {("v1.36.3", verdict)}


def test_masters_of_two_versions_are_told_apart(world: dict[str, Any]) -> None:
    """The API server at the VIP is of the new version, and that of another master is not."""
    image_of(world, "kube-apiserver-m2", "registry.k8s.io/kube-apiserver:v1.35.7")
    image_of(world, "kube-proxy-w1", "registry.k8s.io/kube-proxy:v1.35.7")
    misses = {(row["guest"], row["check"], row["expected"], row["found"]) for row in report(world)["misses"]}
    assert misses == {
        ("m2", "version of kube-apiserver", "v1.36", "v1.35.7"), ("cluster", "version of kube-proxy", "v1.36", "v1.35.7, v1.36.3"),
    }  # fmt: skip


def test_a_static_pod_that_is_not_there_is_told_once(world: dict[str, Any]) -> None:
    world["cluster"]["pods"] = [pod for pod in world["cluster"]["pods"] if pod["name"] != "kube-scheduler-m2"]
    assert [(row["guest"], row["check"]) for row in report(world)["misses"]] == [("m2", "kube-scheduler")]


def test_a_disk_without_writes_is_not_verified(world: dict[str, Any]) -> None:
    looks(world, "m1")[1].update(etcd_writes=writes(1000, 2.0))
    result = report(world)
    assert result["misses"] == []
    assert ("m1", "etcd's disk") in [(row["guest"], row["check"]) for row in result["unverified"]]


@pytest.mark.parametrize(
    ("count", "seconds", "told"),
    [
        (2, 2.0, ("1000.0 ms, the mean of 2: too few writes to judge", "not verified here")),
        (6, 5.7378, ("956.3 ms, the mean of 6", "MISS")),
        (5, 0.5835, ("116.7 ms, the mean of 5", "ok")),
        (10, 2.5, ("250.0 ms, the mean of 10", "MISS")),
    ],
)
def test_what_is_told_of_a_disk_is_what_it_is_judged_by(
    world: dict[str, Any], count: int, seconds: float, told: tuple[str, str]
) -> None:
    looks(world, "m1")[1].update(etcd_writes=writes(1000 + count, 2.0 + seconds))
    assert row_of(world, "m1", "etcd's disk") == told


def test_a_cluster_that_does_not_answer_is_one_miss(world: dict[str, Any]) -> None:
    world["cluster"] = None
    result = report(world)
    assert [(row["check"], row["found"]) for row in result["rows"]] == [("API", "no route")]


@pytest.mark.parametrize("name", NODES)
def test_days_left_of_a_kubelets_certificates_are_told_on_every_node(world: dict[str, Any], name: str) -> None:
    found = {row["guest"]: row["found"] for row in report(world)["rows"] if row["check"] == "kubelet's certificates"}
    assert found[name] == "client: 200 days, serving: 300 days"
    inside(world, name)["kubelet_certificates"].pop(SERVING)
    (miss,) = report(world)["misses"]
    assert (miss["guest"], miss["found"]) == (name, "client: 200 days, serving: none")


def test_the_end_of_the_kubeconfig_is_told_where_the_api_refuses_it(world: dict[str, Any]) -> None:
    world.update(cluster=None, kubeconfig={**KUBECONFIG, "days_left": -1, "text": "control machine kubeconfig has ended"})
    first, second = report(world)["misses"]
    assert first["found"] == "control machine kubeconfig has ended; fetch it anew"
    assert second["check"] == "API"


POLICY = "NetworkPolicy keeps the denied pod from the guarded pod"


def unguarded(world: dict[str, Any], allowed: bool, marks: list[dict[str, str]]) -> dict[str, Any]:
    """A pod gets through that a policy should keep off, and an annotation says that Calico is a stand-in."""
    reached(world, "m1")["denied"]["blocked"][0].update(blocked=False)
    world["cluster"]["nodes"]["m1"]["standin"] = "stand-in: NetworkPolicy is not enforced; BGP"
    inside(world, "m1").update(marks=marks)
    world["expected"] = {"allow_standins": allowed}
    return report(world)


def test_a_stand_in_that_enforces_no_policy_is_not_verified_where_the_site_allows_it(world: dict[str, Any]) -> None:
    result = unguarded(world, True, [STANDIN])
    assert result["misses"] == []
    assert [row["check"] for row in result["unverified"]] == ["backup of etcd", "made in a lab", POLICY]


def test_a_stand_in_is_missed_on_any_other_site(world: dict[str, Any]) -> None:
    result = unguarded(world, False, [STANDIN])
    assert [row["check"] for row in result["misses"]] == ["stand-ins", "made in a lab", POLICY]
    assert [row["check"] for row in result["unverified"]] == ["backup of etcd"]


@pytest.mark.parametrize("marks", [[], [{**BUILT, "name": "quay.io/calico/node:v3.31.7"}]])
def test_the_word_of_an_annotation_excuses_no_image_that_is_not_marked(
    world: dict[str, Any], marks: list[dict[str, str]]
) -> None:
    assert [row["check"] for row in unguarded(world, True, marks)["misses"]] == [POLICY]


def test_a_volume_group_without_device_mapper_is_not_verified(world: dict[str, Any]) -> None:
    inside(world, "w1").update(volume_groups=None)
    assert [row["check"] for row in report(world)["misses"]] == ["volume group data-vg"]
    inside(world, "w1").update(device_mapper=False)
    assert report(world)["misses"] == []


def test_a_volume_group_has_the_size_of_the_tables_disks(world: dict[str, Any]) -> None:
    check, disks = "volume group data-vg", world["vars"]["w1"]["disks"]
    assert row_of(world, "w1", check) == ("2.0 GiB, 1.0 free", "ok")
    disks.append({"name": "more", "size_gb": 2})
    assert row_of(world, "w1", check) == ("2.0 GiB, 1.0 free", "MISS")
    inside(world, "w1")["volume_groups"]["data-vg"]["size"] = 4 << 30
    assert row_of(world, "w1", check) == ("4.0 GiB, 1.0 free", "ok")
    inside(world, "w1")["volume_groups"]["data-vg"]["size"] = 250 << 30
    assert row_of(world, "w1", check)[1] == "ok", "it may have disks that the table does not have"


def test_an_address_outside_is_connected_to_and_no_name_is_asked(world: dict[str, Any]) -> None:
    outside(world, "w1").update(host="192.0.2.7", named=None)
    found = {row["check"]: row["verdict"] for row in report(world)["rows"] if row["guest"] == "w1" and "outside" in row["check"]}
    assert found == {"pod: TCP to 192.0.2.7 port 443, outside": "ok"}


def test_a_site_that_names_nothing_outside_is_told_that_it_was_not_asked(world: dict[str, Any]) -> None:
    for name in NODES:
        for seen in reached(world, name).values():
            seen["outside"] = []
    result = report(world)
    assert result["misses"] == []
    assert [row["check"] for row in result["unverified"]] == ["backup of etcd", "from pods to the outside"]
    for name in NODES:
        world["vars"][name]["cluster_checks_reach"] = {}
    told = [row["check"] for row in report(world)["rows"]]
    assert "from pods to the outside" not in told, "nothing is said where no pod was looked from"


def test_targets_outside_are_for_the_pods_that_no_policy_keeps_off() -> None:
    own, denied = reach_targets(PROBE, "m1", 1450, {}, ["example.org:443", "192.0.2.7:53", "[2001:db8::7]:443"])["reach"]
    assert own["targets"]["outside"] == [
        {"host": "example.org", "port": 443}, {"host": "192.0.2.7", "port": 53}, {"host": "2001:db8::7", "port": 443},
    ]  # fmt: skip
    assert denied["targets"]["outside"] == []


@pytest.mark.parametrize("text", ["example.org", "https://example.org:443", "example.org:0", "example.org:70000", "::1:443", ""])
def test_a_target_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InfraError, match="is no target. Write name:port"):
        reach_targets(PROBE, "m1", 1450, {}, [text])


def test_taints_of_the_table_and_schedulable_masters() -> None:
    variables = hostvars()
    variables["w1"]["taints"] = ["a=b:NoSchedule", {"key": "c", "effect": "NoExecute"}]
    assert rows(variables)[2]["taints"] == ["a=b:NoSchedule", "c:NoExecute"]
    assert rows(variables)[0]["taints"] == [TAINT]
    assert cluster_nodes(["m1"], variables, {}, True)[0]["taints"] == []


def test_targets_cover_all_pairs_and_a_denied_pod() -> None:
    plan = reach_targets(PROBE, "m1", 1450, {"kubernetes": ["10.96.0.1"]})
    assert [item["name"] for item in plan["serve"]] == ["probe-m1"]
    own, denied = plan["reach"]
    assert [ping["address"] for ping in own["targets"]["pings"]] == ["10.244.1.2", "10.244.2.2"]
    assert {ping["mtu"] for ping in own["targets"]["pings"]} == {1450}
    assert reach_targets(PROBE, "m1", "1450", {"kubernetes": ["10.96.0.1"]}) == plan, "ansible-core 2.18 makes text of a number"
    assert own["targets"]["names"] == {"kubernetes.default": ["10.96.0.1"], "probe.ns": ["10.96.5.5"]}
    assert [target["address"] for target in denied["targets"]["blocked"]] == ["10.244.2.3"]
    assert [target["address"] for target in denied["targets"]["echo"]] == ["10.244.2.2"]
    assert reach_targets(None, "m1", 1450, {}) == {"serve": [], "reach": []}
    assert reach_targets(PROBE, "other", 1450, {}) == {"serve": [], "reach": []}


def test_a_cluster_is_settled_when_nothing_is_only_starting() -> None:
    assert is_settled(cluster())
    starting = cluster()
    starting["controllers"]["coredns"]["ready"] = 0
    joining = cluster()
    joining["nodes"]["w1"]["conditions"]["Ready"] = "False"
    uncounted = cluster()
    uncounted["controllers"]["kube-proxy"] = {"wanted": 2, "ready": 2}
    restarting, gone = cluster(), cluster()
    next(pod for pod in restarting["pods"] if pod["name"] == "kube-scheduler-m2").update(ready=False)
    gone["pods"].append({**system_pod("job", "w1"), "phase": "Succeeded", "ready": False})
    assert not is_settled(starting) and not is_settled(joining) and not is_settled(uncounted) and not is_settled(restarting)
    assert is_settled(gone), "of a pod that nothing keeps running nothing is awaited"


def test_the_page_shows_every_row_and_escapes(world: dict[str, Any]) -> None:
    world["cluster"]["nodes"]["w1"]["taints"] = ["<script>:NoSchedule"]
    result = report(world)
    page = render_cluster_page("a & b", rows(world["vars"]), world["cluster"], result, NOW)
    assert "a &amp; b" in page and "<script>" not in page and "&lt;script&gt;" in page
    assert page.count("<td>") >= 5 * len(result["rows"])
    assert "no node" in render_cluster_page("x", rows(world["vars"]), None, result, NOW)


def test_what_is_the_same_of_several_nodes_is_told_once_and_a_miss_in_full(world: dict[str, Any]) -> None:
    for name in NODES:
        os_of(world, name)["modules"]["loadable"] = False
    inside(world, "m1")["marks"] = [{"kind": "package", "name": f"package-{number}", "label": "", "text": ""} for number in range(30)]
    text = report(world)["text"]
    assert text.count("kernel module br-netfilter") == 1
    assert "not verified here: m1, m2, w1: kernel module br-netfilter" in text
    assert "package-29" in text and "all of it is in the report" not in text
    world["expected"] = {"allow_standins": True}
    text = report(world)["text"]
    assert "package-29" not in text and "… (all of it is in the report)" in text
