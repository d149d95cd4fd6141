"""How long certificates are good for, and which names they lack."""

from __future__ import annotations

import datetime
import ipaddress

from ansible_collections.detectviz.infra.plugins.module_utils._certificate_report import (
    certificate_rows,
    missing_certificate_names,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import fingerprint, peer_address
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)


def certificate(days: int) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "kube-apiserver")])
    names = [x509.DNSName("k8s.example.net"), x509.IPAddress(ipaddress.ip_address("192.0.2.10"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - datetime.timedelta(days=400))
        .not_valid_after(NOW + datetime.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_the_next_certificate_to_end_comes_first() -> None:
    nodes = {"m1": {"node": {"certificates": {"a": certificate(90), "b": certificate(-3), "c": certificate(10)}}}}
    assert [(row["file"], row["days_left"]) for row in certificate_rows(nodes, NOW)] == [
        ("b", -3),
        ("c", 10),
        ("a", 90),
    ]


def test_a_file_that_is_no_certificate_is_told_as_one_that_has_ended() -> None:
    (row,) = certificate_rows({"m1": {"node": {"certificates": {"a": "nonsense"}}}}, NOW)
    assert row["days_left"] == -1 and "is no certificate" in row["text"]


def test_names_that_a_certificate_lacks() -> None:
    wanted = ["192.0.2.10", "k8s.example.net", "192.0.2.11"]
    assert missing_certificate_names(certificate(1), wanted) == ["192.0.2.11"]
    assert missing_certificate_names("", wanted) == []
    assert missing_certificate_names("nonsense", wanted) == wanted


def test_a_ca_is_known_by_its_first_certificate() -> None:
    one, two = certificate(1), certificate(1)
    assert fingerprint(one) == fingerprint("text before\n" + one + two) != fingerprint(two)
    assert fingerprint("nonsense") is None


def test_a_member_of_etcd_is_known_by_its_address() -> None:
    assert peer_address("https://10.0.0.11:2380") == "10.0.0.11"
    assert peer_address("https://[fd00::1]:2380") == "fd00::1"
