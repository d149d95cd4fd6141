"""The cluster's own certificate authority and the certificate of its nodes, made once per state folder."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.pve.state import write_atomic

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Certificates:
    """Files of a state folder. `fingerprint` is SHA-256 of the server's certificate, AA:BB:…"""

    ca_path: Path
    chain_path: Path
    key_path: Path
    fingerprint: str


def ensure(folder: Path, names: list[str], addresses: list[str]) -> Certificates:
    """Make what is missing. The CA stays; the server's certificate is renewed when names or addresses are new."""
    ca_path, ca_key_path = folder / "pve-root-ca.pem", folder / "pve-root-ca.key"
    chain_path, key_path = folder / "pve-ssl.pem", folder / "pve-ssl.key"
    if not ca_path.exists() or not ca_key_path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(ca_key_path, key)
        _write_certificate(ca_path, _make_ca(key))
        chain_path.unlink(missing_ok=True)
    if not chain_path.exists() or not key_path.exists() or not _covers(chain_path, names, addresses):
        ca = x509.load_pem_x509_certificate(ca_path.read_bytes())
        ca_key = serialization.load_pem_private_key(ca_key_path.read_bytes(), None)
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(key_path, key)
        _write_certificate(chain_path, _make_server(key, ca, ca_key, names, addresses))
    server = x509.load_pem_x509_certificate(chain_path.read_bytes())
    digest = server.fingerprint(hashes.SHA256()).hex().upper()
    return Certificates(ca_path, chain_path, key_path, ":".join(digest[at: at + 2] for at in range(0, 64, 2)))


def context(certificates: Certificates) -> ssl.SSLContext:
    """Of the server side."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificates.chain_path, certificates.key_path)
    return made


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "PVE Cluster Manager CA (emulated)"),
                      x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey,
             days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - _DAY).not_valid_after(now + days * _DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False))


def _make_ca(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Proxmox Virtual Environment (emulated)")
    usage = x509.KeyUsage(digital_signature=False, content_commitment=False, key_encipherment=False,
                          data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
                          encipher_only=False, decipher_only=False)
    return (_builder(name, name, key, 3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True).sign(key, hashes.SHA256()))


def _make_server(key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey,
                 names: list[str], addresses: list[str]) -> x509.Certificate:
    alternatives = [*(x509.DNSName(name) for name in names),
                    *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses)]
    return (_builder(_name(names[0]), ca.subject, key, 730)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()), critical=False)
            .sign(ca_key, hashes.SHA256()))


def _covers(path: Path, names: list[str], addresses: list[str]) -> bool:
    found = x509.load_pem_x509_certificate(path.read_bytes())
    alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    covered = {str(item) for item in [*alternatives.get_values_for_type(x509.DNSName),
                                      *alternatives.get_values_for_type(x509.IPAddress)]}
    return covered >= {*names, *(str(ipaddress.ip_address(address)) for address in addresses)}


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_atomic(path, pem.decode())


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    write_atomic(path, certificate.public_bytes(serialization.Encoding.PEM).decode(), mode=0o644)
