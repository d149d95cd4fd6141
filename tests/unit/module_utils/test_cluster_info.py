# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken out of the API's objects for the checks of a cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _cluster_info as info
from ansible_collections.detectviz.infra.plugins.module_utils._kube_api import (
    KubeApi,
    KubeUnreachable,
    configuration_of,
)

from tests.unit.answers import answering
from tests.unit.fake_clock import FakeClock

ANNOTATIONS = {
    "detectviz.infra/standin": "enforces no policy",
    "projectcalico.org/IPv4Address": "10.0.0.11/24",
    "projectcalico.org/IPv6Address": "fd00::11/64",
    "projectcalico.org/IPv4VXLANTunnelAddr": "10.244.0.1",
}


def config(key: str, value: Any) -> dict[str, Any]:
    return {"data": {key: value if isinstance(value, str) else json.dumps(value)}}


def test_a_node_as_it_is_checked() -> None:
    seen = info.node_view(
        {
            "metadata": {"name": "n1", "annotations": ANNOTATIONS},
            "spec": {"taints": [{"key": "b", "effect": "NoExecute"}, {"key": "a", "value": "x", "effect": "NoSchedule"}]},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "addresses": [{"type": "InternalIP", "address": "10.0.0.11"}, {"type": "Hostname", "address": "n1"}],
                "nodeInfo": {"kubeletVersion": "v1.36.3", "containerRuntimeVersion": "containerd://2.4.2"},
                "images": [{"names": ["pause:3.10.2"]}, {}],
            },
        }
    )
    assert seen["taints"] == ["a=x:NoSchedule", "b:NoExecute"] and not seen["unschedulable"]
    assert (seen["conditions"], seen["addresses"]) == ({"Ready": "True"}, ["10.0.0.11"])
    assert (seen["kubelet"], seen["images"]) == ("v1.36.3", ["pause:3.10.2"])
    assert seen["standin"] == "enforces no policy"
    assert seen["calico"] == ["10.0.0.11", "fd00::11"]


def test_a_node_that_has_only_just_joined() -> None:
    seen = info.node_view({"metadata": {"name": "n1"}})
    assert (seen["conditions"], seen["addresses"], seen["calico"], seen["kubelet"]) == ({}, [], [], None)


@pytest.mark.parametrize(
    ("metadata", "app"),
    [
        ({"labels": {"component": "etcd", "app": "other"}}, "etcd"),
        ({"labels": {"k8s-app": "calico-node"}}, "calico-node"),
        ({"annotations": {"kubernetes.io/config.mirror": "hash"}}, "kube-vip"),
        ({}, "kube-vip-n1"),
    ],
)
def test_which_program_a_pod_is(metadata: dict[str, Any], app: str) -> None:
    assert info.pod_view({"metadata": {"name": "kube-vip-n1", **metadata}, "spec": {"nodeName": "n1"}})["app"] == app


@pytest.mark.parametrize(
    ("annotations", "static"), [({"kubernetes.io/config.mirror": "hash"}, True), ({"other": "hash"}, False), ({}, False)]
)
def test_a_pod_of_a_nodes_own_file_is_told_from_one_that_the_api_made(annotations: dict[str, str], static: bool) -> None:
    assert info.pod_view({"metadata": {"name": "kube-vip-n1", "annotations": annotations}})["static"] == static


def test_a_pod_is_ready_when_all_its_containers_are_and_tells_what_it_waits_for() -> None:
    pod = {"metadata": {"name": "p"}, "status": {"containerStatuses": [{"ready": True}, {"ready": True}]}}
    assert info.pod_view(pod)["ready"]
    pod["status"]["containerStatuses"][1] = {"ready": False, "state": {"waiting": {"reason": "ErrImagePull"}}}
    seen = info.pod_view(pod)
    assert (seen["ready"], seen["reason"]) == (False, "ErrImagePull")
    assert not info.pod_view({"metadata": {"name": "p"}})["ready"]


def test_wanted_and_ready_pods() -> None:
    daemon_set = {"status": {"desiredNumberScheduled": 4, "numberReady": 3}}
    assert info.controller_view(daemon_set) == {"wanted": 4, "ready": 3}
    assert info.controller_view({"spec": {"replicas": 2}}) == {"wanted": 2, "ready": 0}
    assert info.controller_view({"status": {"readyReplicas": 1}}) == {"wanted": 1, "ready": 1}


class Election(FakeClock):
    """A clock, and an API with a lease that is renewed every so many seconds by a holder whose clock is far behind."""

    def __init__(self, every: float | None) -> None:
        super().__init__()
        self.every = every

    def find(self, path: str) -> dict[str, Any]:
        assert path == "/lease"
        turn = int(self.time / self.every) if self.every else 0
        return lease(renewTime=f"2001-01-01T00:00:00.{turn:06}Z")


def lease(**spec: Any) -> dict[str, Any]:
    return {"spec": {"holderIdentity": "n1", "leaseDurationSeconds": 5, **spec}}


@pytest.mark.parametrize(
    ("every", "renewed", "watched"), [(2.0, True, 2.0), (9.0, True, 8.0), (None, False, 10.0), (60.0, False, 10.0)]
)
def test_a_lease_is_renewed_if_it_is_while_it_is_watched(every: float | None, renewed: bool, watched: float) -> None:
    held = Election(every)
    began = held.time
    seen = info.watch_lease(held, "/lease", held.find("/lease"), began, held)  # type: ignore[arg-type]
    assert seen == {"holder": "n1", "renewed": renewed, "watched": watched, "duration": 5}
    assert held.time == began + watched, "no longer than that"


@pytest.mark.parametrize(
    ("before", "after", "renewed"),
    [
        (lease(renewTime="a"), lease(renewTime="b"), True),
        (None, lease(renewTime="b"), True),
        (lease(), lease(), False),
        (lease(renewTime="a"), lease(renewTime="a", leaseTransitions=2), False),
        (lease(renewTime="a"), {}, False),
    ],
)
def test_a_lease_is_renewed_by_the_time_that_stands_in_it(
    before: dict[str, Any] | None, after: dict[str, Any], renewed: bool
) -> None:
    with answering(200, json.dumps(after)) as (url, _asked):
        seen = info.watch_lease(KubeApi(configuration_of({"host": url})), "/lease", before, 0.0, FakeClock())
    assert seen and seen["renewed"] is renewed


def test_a_lease_that_is_not_there_is_none() -> None:
    with answering(404, "{}") as (url, _asked):
        assert info.watch_lease(KubeApi(configuration_of({"host": url})), "/lease", None, 0.0, FakeClock()) is None


def test_what_kubeadm_has_kept() -> None:
    kept = {"controlPlaneEndpoint": "vip:6443", "networking": {"podSubnet": "10.244.0.0/16, fd00::/56"}}
    seen = info.kubeadm_view(config("ClusterConfiguration", kept))
    assert (seen["endpoint"], seen["pod_cidrs"]) == ("vip:6443", ["10.244.0.0/16", "fd00::/56"])
    assert info.kubeadm_view(None) == {"endpoint": None, "version": None, "pod_cidrs": [], "service_cidrs": []}


def test_the_mode_of_kube_proxy() -> None:
    assert info.proxy_mode(config("config.conf", 'mode: ""')) == "iptables"
    assert info.proxy_mode(config("config.conf", "mode: nftables")) == "nftables"
    assert info.proxy_mode(None) is None


def test_addresses_of_a_service() -> None:
    assert info.service_addresses({"spec": {"clusterIP": "10.96.0.1"}}) == ["10.96.0.1"]
    assert info.service_addresses({"spec": {"clusterIP": "a", "clusterIPs": ["a", "b"]}}) == ["a", "b"]
    assert info.service_addresses(None) == []


def test_the_pause_image_is_the_one_that_most_nodes_have() -> None:
    nodes = [{"images": [f"pause/{name}", f"x/pause:{name}"]} for name in ("3.10", "3.9", "3.10")]
    assert info.pause_image(nodes) == "x/pause:3.10"
    assert info.pause_image([{"images": ["etcd:3"]}]) is None


def test_an_api_server_that_is_not_ready_is_told_with_what_it_lacks() -> None:
    with answering(200, "ok\n") as (url, _asked):
        assert info.health(KubeApi(configuration_of({"host": url}))) == "ok"
    with answering(500, "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n") as (url, _asked):
        assert "[-]etcd failed: reason withheld" in info.health(KubeApi(configuration_of({"host": url}))).splitlines()
    with pytest.raises(KubeUnreachable):
        info.health(KubeApi(configuration_of({"host": url})))
