"""Certificates that end when a test wants it."""

from __future__ import annotations

import datetime
import functools
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate(days: int, now: datetime.datetime) -> str:
    """PEM of one with ``days`` whole days left at that time."""
    return certificate_and_key(days, now)[0]


@functools.lru_cache
def certificate_and_key(days: int, now: datetime.datetime, *more: str) -> tuple[str, str]:
    """PEM of a certificate and of its key. ``more``: addresses that it has too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "kube-apiserver")])
    names = [x509.DNSName("k8s.example.net"), *(x509.IPAddress(ipaddress.ip_address(text)) for text in ("192.0.2.10", *more))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=400))
        .not_valid_after(now + datetime.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem).decode(), secret.decode()
