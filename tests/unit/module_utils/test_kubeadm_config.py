"""kubeadm's configuration as data."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_config as config
from ansible_collections.detectviz.infra.plugins.module_utils._errors import ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import new_token, scrubbed, told
from hypothesis import given
from hypothesis import strategies as st

NODE = {"name": "m1", "address": "10.0.0.11", "taints": [], "ignore_preflight_errors": [], "control_plane": True}
CLUSTER = {
    "name": "example",
    "version": "v1.36.3",
    "endpoint": "192.0.2.10:6443",
    "certificate_names": ["192.0.2.10", "k8s.example.net"],
    "pod_cidrs": ["10.244.0.0/16", "fd00:10::/56"],
    "service_cidrs": ["10.96.0.0/12"],
    "proxy_mode": "nftables",
}
MATERIAL = {
    "token": "abcdef.0123456789abcdef",
    "ca_certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "endpoint": "192.0.2.10:6443",
    "certificate_key": "f" * 64,
    "encryption_configuration": "{}",
}


def document(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(item for item in objects if item["kind"] == kind)


def arguments(part: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in part["extraArgs"]}


def test_the_endpoint_of_the_cluster_is_the_vip_and_never_a_master() -> None:
    cluster = document(config.init_configuration(NODE, CLUSTER, "t"), "ClusterConfiguration")
    assert cluster["controlPlaneEndpoint"] == "192.0.2.10:6443"
    assert cluster["apiServer"]["certSANs"] == CLUSTER["certificate_names"]


def test_a_node_uses_its_address_on_the_clusters_network_everywhere() -> None:
    init = document(config.init_configuration(NODE, CLUSTER, "t"), "InitConfiguration")
    (joining,) = config.join_configuration(NODE, MATERIAL, "/run/discovery")
    assert init["localAPIEndpoint"]["advertiseAddress"] == NODE["address"]
    assert joining["controlPlane"]["localAPIEndpoint"]["advertiseAddress"] == NODE["address"]
    for registration in (init["nodeRegistration"], joining["nodeRegistration"]):
        assert {"name": "node-ip", "value": NODE["address"]} in registration["kubeletExtraArgs"]


def test_a_worker_gets_no_key_of_the_control_plane() -> None:
    objects = config.join_configuration({**NODE, "control_plane": False}, MATERIAL, "/run/discovery")
    assert MATERIAL["certificate_key"] not in json.dumps(objects)


def test_secrets_are_encrypted_and_requests_audited() -> None:
    server = document(config.init_configuration(NODE, CLUSTER, "t"), "ClusterConfiguration")["apiServer"]
    assert arguments(server)["encryption-provider-config"] == config.ENCRYPTION_FILE
    assert arguments(server)["audit-policy-file"] == config.AUDIT_POLICY_FILE
    mounted = [volume["mountPath"] for volume in server["extraVolumes"]]
    assert config.FILES_DIR in mounted and config.AUDIT_LOG_DIR in mounted


def test_the_first_provider_of_secrets_encrypts_and_the_last_reads_what_was_there_before() -> None:
    (rule,) = config.encryption_configuration("a2V5")["resources"]
    assert rule["resources"] == ["secrets"]
    assert list(rule["providers"][0]) == ["secretbox"] and rule["providers"][-1] == {"identity": {}}


def test_no_body_of_a_secret_is_audited() -> None:
    levels = {rule["level"] for rule in config.AUDIT_POLICY["rules"]}
    assert levels == {"None", "Metadata"}


def test_kubelets_serve_with_certificates_of_the_cluster_unless_the_site_says_otherwise() -> None:
    assert config.kubelet_configuration(CLUSTER)["serverTLSBootstrap"] is True
    changed = config.kubelet_configuration({"kubelet_configuration": {"cgroupDriver": "cgroupfs", "maxPods": 50}})
    assert (changed["cgroupDriver"], changed["maxPods"], changed["serverTLSBootstrap"]) == ("cgroupfs", 50, True)


def test_kube_proxy_has_the_sites_mode_and_what_is_laid_over_it() -> None:
    settings = {**CLUSTER, "kube_proxy_configuration": {"conntrack": {"maxPerCore": 0}}}
    assert config.kube_proxy_configuration(settings)["mode"] == "nftables"
    assert config.kube_proxy_configuration(settings)["conntrack"] == {"maxPerCore": 0}


def test_all_preflight_errors_at_once_are_never_ignored() -> None:
    for word in ("all", "ALL"):
        with pytest.raises(ProblemsError, match="name the checks"):
            config.node_registration({**NODE, "ignore_preflight_errors": [word]})
    found = config.node_registration({**NODE, "ignore_preflight_errors": ["SystemVerification"]})
    assert found["ignorePreflightErrors"] == ["SystemVerification"]


def test_a_joiner_trusts_the_ca_that_it_was_handed() -> None:
    (cluster,) = config.discovery_kubeconfig(MATERIAL)["clusters"]
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode() == MATERIAL["ca_certificate"]


def test_taints_are_read_as_people_write_them() -> None:
    assert config.parse_taints(["a=b:NoSchedule", "c:NoExecute", {"key": "d", "effect": "PreferNoSchedule"}]) == [
        {"key": "a", "value": "b", "effect": "NoSchedule"},
        {"key": "c", "effect": "NoExecute"},
        {"key": "d", "effect": "PreferNoSchedule"},
    ]


def test_every_wrong_taint_is_told_at_once() -> None:
    with pytest.raises(ProblemsError) as failure:
        config.parse_taints(["nothing", "a=b:Sometimes"])
    assert len(failure.value.problems) == 2


def test_an_ipv6_endpoint_is_in_brackets() -> None:
    assert config.endpoint("2001:db8::1") == "[2001:db8::1]:6443"


# JSON writes what lies beyond in two halves, which YAML reads as two letters: no setting of Kubernetes has such a name.
texts = st.text(st.characters(max_codepoint=0xD7FF), max_size=3)
trees = st.recursive(
    st.integers() | texts,
    lambda inner: st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(texts, trees, max_size=4)


@given(mappings, mappings)
def test_what_is_laid_over_wins_and_nothing_else_is_lost(base: dict[str, Any], over: dict[str, Any]) -> None:
    result = config.merged(base, over)
    assert set(result) == set(base) | set(over)
    assert config.merged(result, over) == result
    assert all(result[key] == base[key] for key in set(base) - set(over))


@given(mappings)
def test_documents_are_yaml(content: dict[str, Any]) -> None:
    assert list(yaml.safe_load_all(config.documents([content, content]))) == [content, content]


@given(st.binary(min_size=32, max_size=32))
def test_what_kubeadm_prints_loses_tokens_and_keys(key: bytes) -> None:
    token = new_token()
    printed = f"[bootstrap-token] Using token: {token}\n--certificate-key {key.hex()}\n"
    assert token not in scrubbed(printed) and key.hex() not in told(printed)


def test_the_kubelet_of_a_dual_stack_cluster_tells_an_address_of_each_version() -> None:
    node = {**NODE, "node_ips": ["10.0.0.11", "fd00::11"]}
    init = document(config.init_configuration(node, CLUSTER, "t"), "InitConfiguration")
    assert {"name": "node-ip", "value": "10.0.0.11,fd00::11"} in init["nodeRegistration"]["kubeletExtraArgs"]
    assert init["localAPIEndpoint"]["advertiseAddress"] == "10.0.0.11"
