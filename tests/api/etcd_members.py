"""Real etcd members with certificates on loopback addresses, as kubeadm sets them up."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

START = 60
"""Seconds that a member has to answer."""


class EtcdMembers:
    """``start`` runs members; each has an address of its own and the same ports. ``stop`` ends all."""

    def __init__(self, folder: Path, program: Path, addresses: list[str], ports: tuple[int, int]) -> None:
        self.folder, self.program, self.addresses = folder, program, addresses
        self.port, self.peer_port = ports
        self.ca, self.certificate, self.key = (folder / name for name in ("ca.crt", "etcd.crt", "etcd.key"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._write_certificates()

    @property
    def options(self) -> dict[str, Any]:
        """Connection options of our modules."""
        return {"port": self.port, "ca_cert": str(self.ca), "client_cert": str(self.certificate), "client_key": str(self.key)}

    def start(self, address: str, initial: dict[str, str] | None = None, state: str = "new") -> None:
        """``initial``: {name: address} of the members it begins with; all by default. ``state``: of the cluster that they are."""
        members = initial or {self.name(item): item for item in self.addresses}
        peer, client = f"https://{address}:{self.peer_port}", f"https://{address}:{self.port}"
        tls = [f"--{kind}{option}={path}" for kind in ("", "peer-") for option, path in (
            ("trusted-ca-file", self.ca), ("cert-file", self.certificate), ("key-file", self.key))]  # fmt: skip
        with (self.folder / f"{self.name(address)}.log").open("wb") as log:
            self._processes[address] = subprocess.Popen(
                [self.program, f"--name={self.name(address)}", f"--data-dir={self.data(address)}", "--unsafe-no-fsync",
                 f"--listen-client-urls={client}", f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}",
                 f"--initial-advertise-peer-urls={peer}", "--client-cert-auth", "--peer-client-cert-auth", *tls,
                 f"--initial-cluster-state={state}",
                 "--initial-cluster=" + ",".join(f"{name}=https://{item}:{self.peer_port}" for name, item in members.items())],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def name(self, address: str) -> str:
        return "m" + address.rpartition(".")[2]

    def data(self, address: str) -> Path:
        return self.folder / f"{self.name(address)}.etcd"

    def kill(self, address: str) -> None:
        process = self._processes.pop(address)
        process.kill()
        process.wait(20)

    def stop(self) -> None:
        for address in list(self._processes):
            self.kill(address)

    def call(self, address: str, path: str, body: dict[str, Any]) -> Any:
        """What a member answers. Raises OSError."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.load_cert_chain(self.certificate, self.key)
        request = urllib.request.Request(f"https://{address}:{self.port}{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return json.load(answer)

    def wait(self, address: str) -> None:
        """Until the member reads and writes, so that there is a leader."""
        end = time.monotonic() + START
        while True:
            try:
                self.call(address, "/v3/kv/range", {"key": "YQ=="})
                return
            except OSError as error:
                log = self.folder / f"{self.name(address)}.log"
                assert time.monotonic() < end, f"{address}: {error}\n{log.read_text()[-2000:]}"
                time.sleep(0.2)

    def _write_certificates(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.timezone.utc)
        name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "etcd")])
        # Members connect from 127.0.0.1, which a peer checks too.
        names = [x509.IPAddress(ipaddress.ip_address(address)) for address in [*self.addresses, "127.0.0.1"]]
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        ).public_bytes(serialization.Encoding.PEM)  # fmt: skip
        self.ca.write_bytes(certificate)
        self.certificate.write_bytes(certificate)
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
