"""kubelet_csr against a real API server, to which the test speaks as kubelets do."""

from __future__ import annotations

import base64
import functools
import ipaddress
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.api.cluster import Cluster
from tests.api.modules import Result, run_module

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
TABLE = {"node-1": ["10.0.0.11"], "node-2": ["10.0.0.12"]}


@pytest.fixture
def kubelet_csr(two_nodes: Cluster, tmp_path: Path) -> Callable[..., Result]:
    """Runs the module with the administrator's kubeconfig."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(two_nodes.control_plane.kubeconfig)
    return functools.partial(run_module, "kubelet_csr", tmp_path, kubeconfig=str(kubeconfig), addresses=TABLE)


@pytest.fixture
def post(two_nodes: Cluster) -> Callable[[str, str], str]:
    """Posts a kubelet's request for a serving certificate; its name."""
    may = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "kubelets-ask"}}
    rule = {"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests"], "verbs": ["create"]}
    roles = "/apis/rbac.authorization.k8s.io/v1"
    two_nodes.request("POST", f"{roles}/clusterroles", {**may, "rules": [rule]})
    binding = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "kubelets-ask"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"}],
    }
    two_nodes.request("POST", f"{roles}/clusterrolebindings", {**may, **binding})

    def ask(name: str, address: str) -> str:
        subject = [
            x509.NameAttribute(x509.oid.NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, f"system:node:{name}"),
        ]
        names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        spec = {
            "signerName": "kubernetes.io/kubelet-serving",
            "usages": ["digital signature", "server auth"],
            "request": base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode(),
        }
        body = {"metadata": {"generateName": "csr-"}, "spec": spec}
        made = two_nodes.control_plane.request("POST", REQUESTS, body, node=name)
        return str(made["metadata"]["name"])

    return ask


def approved(cluster: Cluster) -> set[str]:
    items = cluster.request("GET", REQUESTS)["items"]
    return {item["metadata"]["name"] for item in items if (item.get("status") or {}).get("conditions")}


def test_a_request_as_in_the_table_is_approved_once(
    two_nodes: Cluster, kubelet_csr: Callable[..., Result], post: Callable[[str, str], str]
) -> None:
    own = post("node-1", "10.0.0.11")
    assert kubelet_csr(check=True)["approved"] == ["node-1"] and approved(two_nodes) == set()
    assert kubelet_csr()["approved"] == ["node-1"] and approved(two_nodes) == {own}
    assert not kubelet_csr()["changed"]


def test_a_request_for_another_nodes_address_is_left_alone_and_told(
    two_nodes: Cluster, kubelet_csr: Callable[..., Result], post: Callable[[str, str], str]
) -> None:
    post("node-1", "10.0.0.12")
    result = kubelet_csr()
    assert not result["changed"] and "10.0.0.12" in result.warnings
    awaited = kubelet_csr(wait_for=["node-1"], timeout=1)
    assert awaited.failed and "10.0.0.12" in awaited.message
    assert approved(two_nodes) == set()


def test_a_node_that_never_asks_is_awaited_and_named(kubelet_csr: Callable[..., Result]) -> None:
    result = kubelet_csr(wait_for=["node-2"], timeout=1)
    assert result.failed and "node-2" in result.message
