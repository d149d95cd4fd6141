"""Certificates as they are when nobody has renewed them for a year: the same ones, with an end that is over."""

from __future__ import annotations

import base64
import datetime
import io
import re
import tarfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.lab.cluster.cluster import Cluster

Files = dict[str, bytes]


def let_certificates_end(cluster: Cluster, name: str) -> None:
    """On a master: all but the authorities and what the kubelet renews by itself."""
    packed = base64.b64decode(cluster.on(name, "tar -C /etc/kubernetes -c pki $(cd /etc/kubernetes && ls *.conf) | base64"))
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        files = {item.name: archive.extractfile(item).read() for item in archive if item.isfile()}  # type: ignore[union-attr]
    worn = {path: text for path, text in ((path, _worn(path, files)) for path in files) if text != files[path]}
    assert len(worn) >= 10, sorted(worn)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, text in worn.items():
            item = tarfile.TarInfo(path)
            item.size, item.mode = len(text), 0o600
            archive.addfile(item, io.BytesIO(text))
    cluster.on(name, f"echo {base64.b64encode(out.getvalue()).decode()} | base64 -d | tar -C /etc/kubernetes -x")


def _worn(path: str, files: Files) -> bytes:
    if path.endswith(".conf"):
        match = re.search(rb"client-certificate-data: (\S+)", files[path])
        if match is None:
            return files[path]
        ended = _ended(base64.b64decode(match[1]), files["pki/ca.key"])
        return files[path].replace(match[1], base64.b64encode(ended))
    if not path.endswith(".crt") or path.endswith("ca.crt"):
        return files[path]
    authority = "etcd/ca" if "etcd" in path else "front-proxy-ca" if "front-proxy" in path else "ca"
    return _ended(files[path], files[f"pki/{authority}.key"])


def _ended(pem: bytes, authority: bytes) -> bytes:
    old = x509.load_pem_x509_certificate(pem)
    key = serialization.load_pem_private_key(authority, password=None)
    now = datetime.datetime.now(datetime.timezone.utc)
    new = x509.CertificateBuilder(
        issuer_name=old.issuer, subject_name=old.subject, public_key=old.public_key(), serial_number=old.serial_number,
        not_valid_before=now - datetime.timedelta(days=366), not_valid_after=now - datetime.timedelta(days=1),
        extensions=list(old.extensions),
    )  # fmt: skip
    return new.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]
