# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of kube-vip: as upstream prints it, of the right form, and never with a wrong setting passed over."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.detectviz.infra.plugins.module_utils._errors import ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_vip import build_manifest
from ansible_collections.detectviz.infra.plugins.module_utils._kube_vip_settings import (
    ARGUMENT_SPEC,
    Settings,
    read_settings,
)
from ansible_collections.detectviz.infra.plugins.module_utils._yaml_text import to_yaml
from ansible_collections.detectviz.infra.plugins.plugin_utils.kubernetes_schema import schema_problems
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

# What kube-vip manifest of two versions printed. Not part of the project: name the folder, or have it beside the checkout.
BESIDE = Path(__file__).parents[4] / "shared/upstream/kube-vip"
PRINTED = Path(os.environ.get("DETECTVIZ_KUBE_VIP_MANIFESTS", BESIDE))
PEERS = [
    {"address": "192.0.2.1", "as": 65001, "password": "geheim", "multihop": True},
    {"address": "2001:db8::1", "as": 65002},
]


def settings(**given: Any) -> Settings:
    arguments = {"path": "/x", "version": "v1.2.3", "address": "192.0.2.10", **given}
    checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(arguments)
    assert checked.error_messages == []
    return read_settings(checked.validated_parameters)


def manifest(**given: Any) -> dict[str, Any]:
    return build_manifest(settings(**given), "eth0")


def container(made: dict[str, Any]) -> dict[str, Any]:
    pod = made["spec"] if made["kind"] == "Pod" else made["spec"]["template"]["spec"]
    return pod["containers"][0]


def environment(made: dict[str, Any]) -> dict[str, str | None]:
    return {item["name"]: item.get("value") for item in container(made)["env"]}


def without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, "", {}, [])}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


def problems(**given: Any) -> str:
    with pytest.raises(ProblemsError) as caught:
        manifest(**given)
    return str(caught.value)


@pytest.mark.parametrize("version", ["v0.8.9", "v1.2.3"])
@pytest.mark.parametrize("kind", ["pod", "daemonset"])
def test_it_is_what_kube_vip_prints(version: str, kind: str) -> None:
    file = PRINTED / f"{kind}-arp-control-plane-{version}.yaml"
    if not file.exists():
        pytest.skip(
            f"the manifest that kube-vip {version} printed is not at {file}: name its folder in DETECTVIZ_KUBE_VIP_MANIFESTS"
        )
    printed = without_empty(yaml.safe_load(file.read_text(encoding="utf-8")))
    made = manifest(version=version, kind=kind, address="192.168.0.10")
    # A build that nobody told its version printed it: where a release has that, it is empty.
    container(printed)["image"] = f"ghcr.io/kube-vip/kube-vip:{version}"
    if kind == "daemonset":
        for item in (printed, printed["spec"]["template"]):
            item["metadata"]["labels"]["app.kubernetes.io/version"] = version
    if kind == "pod":
        printed["spec"]["volumes"][0]["hostPath"]["type"] = "File"
    assert made == printed


def test_the_first_node_has_the_super_users_kubeconfig_until_init_is_over() -> None:
    """F1: admin.conf has no rights before kubeadm init has written them."""
    init, steady = manifest(phase="init"), manifest()
    assert init["spec"]["volumes"][0]["hostPath"] == {"path": "/etc/kubernetes/super-admin.conf", "type": "File"}
    assert container(init)["volumeMounts"][0]["mountPath"] == "/etc/kubernetes/admin.conf"
    init["spec"]["volumes"][0]["hostPath"]["path"] = "/etc/kubernetes/admin.conf"
    assert init == steady


def test_the_name_kubernetes_is_this_node() -> None:
    """F4: kube-vip asks for it."""
    assert manifest()["spec"]["hostAliases"] == [{"hostnames": ["kubernetes"], "ip": "127.0.0.1"}]


def test_no_kubeconfig_is_ever_made() -> None:
    """F6: an empty admin.conf would look like a cluster."""
    assert manifest(kubeconfig="/other.conf")["spec"]["volumes"][0]["hostPath"] == {
        "path": "/other.conf",
        "type": "File",
    }


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v0.7.1", {"vip_cidr": "32", "vip_leaseduration": "5"}),
        ("v0.8.9", {"vip_cidr": "32", "vip_leaseduration": "5"}),
        ("v0.8.10", {"vip_cidr": "32", "vip_leaseduration": "5"}),
        ("v0.9.0", {"vip_subnet": "32", "vip_leaseduration": "5"}),
        ("v1.0.2", {"vip_subnet": "32", "vip_leaseduration": "5"}),
        ("v1.0.4", {"vip_subnet": "32", "vip_leaseduration": "5", "dhcp_mode": "ipv4"}),
        ("1.1.0", {"vip_subnet": "32", "vip_leaseduration": "15", "dhcp_mode": "ipv4"}),
    ],
)
def test_names_and_defaults_are_the_versions_own(version: str, expected: dict[str, str]) -> None:
    made = environment(manifest(version=version))
    names = ("vip_cidr", "vip_subnet", "vip_leaseduration", "dhcp_mode")
    assert {name: made[name] for name in names if name in made} == expected
    assert ("vip_nodename" in made) == (version != "v0.7.1")


def test_capabilities_are_dropped_since_the_version_that_does_so() -> None:
    assert "drop" not in container(manifest(version="v0.8.9"))["securityContext"]["capabilities"]
    assert container(manifest(version="v0.8.10"))["securityContext"]["capabilities"]["drop"] == ["ALL"]


@pytest.mark.parametrize(
    ("version", "prefixes"), [("v0.8.0", "32"), ("v0.9.2", "128,32,32"), ("v1.0.1", "32,128"), ("v1.2.3", "32,128")]
)
def test_several_vips_have_the_prefixes_of_the_version(version: str, prefixes: str) -> None:
    made = environment(manifest(version=version, address="2001:db8::10,192.0.2.10,192.0.2.11"))
    assert prefixes in (made.get("vip_cidr"), made.get("vip_subnet"))


def test_a_prefix_length_can_be_given() -> None:
    assert environment(manifest(subnet="/24"))["vip_subnet"] == "24"
    assert environment(manifest(subnet="192.0.2.0/24"))["vip_subnet"] == "32"


def test_services_and_their_elections() -> None:
    made = environment(manifest(services=True, services_election=True, control_plane=False))
    assert (made["svc_enable"], made["svc_election"], made["svc_leasename"]) == ("true", "true", "plndr-svcs-lock")
    assert "cp_enable" not in made
    assert "svc_enable" not in environment(manifest())


def test_a_load_balancer_over_all_api_servers() -> None:
    made = environment(manifest(load_balancer=True, port=7443))
    assert (made["lb_enable"], made["lb_port"], made["lb_fwdmethod"], made["port"]) == ("true", "6443", "local", "7443")


def test_bgp_with_peers_of_both_families() -> None:
    made = environment(manifest(advertise="bgp", bgp={"router_id": "192.0.2.11", "local_as": 65010, "peers": PEERS}))
    assert made["bgp_peers"] == "192.0.2.1:65001:geheim:true,[2001:db8::1]:65002::false"
    assert (made["bgp_routerid"], made["bgp_as"], made["bgp_peeraddress"]) == ("192.0.2.11", "65010", None)
    assert made["vip_arp"] == "false"


def test_bgp_elects_a_leader_only_if_the_lease_is_set() -> None:
    assert "vip_leaderelection" not in environment(manifest(advertise="bgp", bgp={}))
    assert environment(manifest(advertise="bgp", bgp={}, lease_name="own"))["vip_leasename"] == "own"


def test_a_password_is_not_shown() -> None:
    made = settings(advertise="bgp", bgp={"peers": PEERS})
    assert "geheim" not in to_yaml(build_manifest(made, "lo", show_passwords=False))


def test_metrics_can_be_off() -> None:
    assert environment(manifest(metrics_address=""))["prometheus_server"] is None
    assert "prometheus_server" not in environment(manifest(metrics_address="", version="v0.8.0"))


@pytest.mark.parametrize(
    ("given", "image"),
    [
        ({}, "ghcr.io/kube-vip/kube-vip:v1.2.3"),
        ({"image": "registry.example.net:5000/vip"}, "registry.example.net:5000/vip:v1.2.3"),
        ({"image": "vip:mine"}, "vip:mine"),
        ({"image_digest": "sha256:" + "a" * 64}, "ghcr.io/kube-vip/kube-vip:v1.2.3@sha256:" + "a" * 64),
    ],
)
def test_the_image(given: dict[str, str], image: str) -> None:
    assert container(manifest(**given))["image"] == image


def test_further_environment_replaces_what_is_there() -> None:
    made = manifest(extra_env={"lb_port": 7443, "vip_nodename": "other", "egress": True})
    names = [item["name"] for item in container(made)["env"]]
    assert len(names) == len(set(names))
    assert {"name": "vip_nodename", "value": "other"} in container(made)["env"]
    assert container(made)["env"][-1] == {"name": "egress", "value": "true"}
    as_list = manifest(extra_env=[{"name": "lb_port", "value": "7443"}, {"name": "vip_nodename", "value": "other"}])
    assert environment(as_list)["lb_port"] == "7443"


def test_a_daemonset_of_the_control_plane_runs_there_alone() -> None:
    spec = manifest(kind="daemonset")["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "kube-vip" and "volumes" not in spec
    assert "affinity" in spec
    assert "affinity" not in manifest(kind="daemonset", control_plane=False, services=True)["spec"]["template"]["spec"]


def test_an_old_version_is_refused_and_a_new_one_is_written_with_a_warning() -> None:
    assert "v0.7.1" in problems(version="v0.6.4")
    assert "give one such as" in problems(version="latest")
    assert "newer than v1.2.3" in settings(version="v2.0.0").warnings[0]
    assert settings(version="v1.2.0-rc.0").warnings == []


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = problems(
        version="none",
        address="192.0.2.300",
        port=0,
        image_digest="sha1:aa",
        services_election=True,
        subnet="net",
        extra_env={"1": "x"},
    )
    for word in ("version", "192.0.2.300", "port 0", "sha1:aa", "services_election", "subnet 'net'", "extra_env"):
        assert word in told


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"address": "192.0.3.10", "subnet": "192.0.2.0/24"}, "is not in 192.0.2.0/24"),
        ({"lease_duration": 3, "lease_renew_deadline": 3}, "cannot work"),
        ({"lease_duration": 5}, "set all three"),
        ({"address": None}, "control_plane is on without address"),
        ({"address": "api.example.net"}, "set subnet"),
        ({"kind": "daemonset", "phase": "init"}, "phase init"),
        ({"control_plane": False}, "nothing to do"),
        ({"bgp": {"local_as": 1}}, "set advertise to bgp"),
        ({"advertise": "bgp", "bgp": {"peers": [{"address": "192.0.2.1", "as": 1, "password": "a:b"}]}}, "cannot read"),
        ({"advertise": "bgp", "bgp": {"router_id": "x", "local_as": 0}}, "AS number 0"),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, Any], word: str) -> None:
    assert word in problems(**given)


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
peers = st.fixed_dictionaries(
    {"address": addresses.map(str), "as": st.integers(1, 2**32 - 1), "multihop": st.booleans()},
    optional={"password": st.text("abcXYZ019!$ '\"", min_size=1)},
)
everything = st.fixed_dictionaries(
    {
        "version": st.sampled_from(["v0.7.1", "v0.8.1", "v0.8.9", "v0.9.0", "v1.0.3", "v1.2.3", "v3.0.0"]),
        "kind": st.sampled_from(["pod", "daemonset"]),
        "address": st.lists(addresses.map(str), min_size=1, max_size=3, unique=True).map(",".join),
        "port": st.integers(1, 65535),
        "services": st.booleans(),
        "load_balancer": st.booleans(),
        "metrics_address": st.sampled_from(["", ":2112", "127.0.0.1:9000"]),
        "extra_env": st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), st.text(), max_size=3),
    },
    optional={
        "lease_name": st.just("own"),
        "interface": st.sampled_from(["lo", "bond0.7"]),
    },
)


@with_settings(deadline=None)  # the models of Kubernetes are imported in the first example
@given(everything, st.none() | st.lists(peers, max_size=3))
def test_whatever_is_set_the_manifest_is_one_that_kubernetes_takes(given: dict[str, Any], routers: Any) -> None:
    if routers is not None:
        given = {**given, "advertise": "bgp", "bgp": {"peers": routers, "router_id": "192.0.2.1"}}
    made = manifest(**given)
    assert schema_problems(made) == []
    assert yaml.safe_load(to_yaml(made)) == made
    names = [item["name"] for item in container(made)["env"]]
    assert len(names) == len(set(names))
    assert without_empty(made) == made


def test_a_manifest_of_another_form_is_told() -> None:
    made = manifest()
    made["spec"]["containers"][0]["imagePullpolicy"] = "Always"
    made["spec"]["hostNetwork"] = "yes"
    del made["spec"]["volumes"][0]["name"]
    told = "\n".join(schema_problems(made))
    for word in ("imagePullpolicy", "hostNetwork", "volumes.0.name"):
        assert word in told
    other = manifest()
    other["spec"]["host_network"] = other["spec"].pop("hostNetwork")
    assert schema_problems(other) != []
