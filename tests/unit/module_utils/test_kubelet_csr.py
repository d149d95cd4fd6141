"""Which requests for serving certificates are approved."""

from __future__ import annotations

import base64
import ipaddress
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubelet_csr as csr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

KEY = ec.generate_private_key(ec.SECP256R1())
TABLE = {"n1": ["192.0.2.11", "10.0.0.11"], "n2": ["10.0.0.12"]}


def request(
    name: str = "n1",
    dns: list[str] | None = None,
    ips: list[str] | None = None,
    subject: str | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """What a kubelet posts; its own name and first address unless told otherwise."""
    names: list[x509.GeneralName] = [x509.DNSName(item) for item in ([name] if dns is None else dns)]
    names += [x509.IPAddress(ipaddress.ip_address(item)) for item in (["10.0.0.11"] if ips is None else ips)]
    attributes = [
        x509.NameAttribute(x509.oid.NameOID.ORGANIZATION_NAME, "system:nodes"),
        x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, subject or f"system:node:{name}"),
    ]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return {
        "metadata": {"name": "csr-1", "creationTimestamp": "2026-01-01T10:00:00Z"},
        "spec": {
            "signerName": csr.SIGNER,
            "username": f"system:node:{name}",
            "groups": ["system:nodes", "system:authenticated"],
            "usages": ["digital signature", "server auth"],
            "request": base64.b64encode(pem).decode(),
            **spec,
        },
        "status": {},
    }


def node(name: str, time: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "creationTimestamp": f"2026-01-01T{time}Z"}}


def test_a_request_with_the_nodes_own_name_and_addresses_is_right() -> None:
    assert csr.flaws(request(ips=["10.0.0.11", "192.0.2.11"]), TABLE) == []


def test_the_spelling_of_an_address_does_not_matter() -> None:
    assert csr.flaws(request(ips=["2001:db8::11"]), {"n1": ["2001:0DB8:0:0::11"]}) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (request(ips=["10.0.0.12"]), "10.0.0.12"),
        (request(dns=["n2"]), "n2"),
        (request(dns=["n1", "k8s-api.example.net"]), "k8s-api.example.net"),
        (request(subject="system:node:n2"), "system:node:n2"),
        (request(name="stranger"), "not in the node table"),
        (request(username="system:admin"), "is no node"),
        (request(groups=["system:authenticated"]), "system:nodes"),
        (request(usages=["client auth"]), "client auth"),
        (request(dns=[], ips=[]), "names no address"),
        (request(request="bm9uc2Vuc2U="), "cannot be read"),
    ],
)
def test_a_request_for_anything_else_is_not(wrong: dict[str, Any], told: str) -> None:
    assert told in " ".join(csr.flaws(wrong, TABLE))


def test_only_what_nobody_has_decided_on_waits() -> None:
    decided = {**request(), "status": {"conditions": [{"type": "Approved"}], "certificate": "x"}}
    other = request(signerName="kubernetes.io/kube-apiserver-client")
    undecided = request()
    assert csr.waiting([undecided, decided, other]) == [undecided]
    assert csr.served([request(), decided, other], [node("n1", "10:00:00")]) == {"n1"}


def test_a_certificate_of_a_former_machine_of_that_name_is_not_the_nodes() -> None:
    issued = {**request(), "status": {"certificate": "x"}}
    assert csr.served([issued], [node("n1", "10:00:30")]) == {"n1"}
    assert csr.served([issued], [node("n1", "10:05:00")]) == set()
    assert csr.served([issued], []) == set()


def test_a_request_that_is_not_approved_is_told_with_its_reasons() -> None:
    (text,) = csr.told({"csr-1": ("n1", csr.flaws(request(ips=["10.0.0.12"]), TABLE))})
    assert "n1" in text and "csr-1" in text and "10.0.0.12" in text


def test_an_approval_says_why() -> None:
    (condition,) = csr.approval(request(), "2026-01-01T00:00:00Z")["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("Approved", "MatchesNodeTable")
