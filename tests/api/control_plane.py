"""A real Kubernetes API: etcd and kube-apiserver on the loopback, without nodes and without controllers."""

from __future__ import annotations

import base64
import datetime
import json
import os
import secrets
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

START = 90
"""Seconds that etcd and the API server have together."""


class ControlPlane:
    """Runs until ``stop``. ``token`` belongs to an administrator, as does the certificate ``admin``; ``url`` and ``ca``
    lead to the API.
    """

    def __init__(self, folder: Path, programs: Mapping[str, Path]) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self._processes: list[subprocess.Popen[bytes]] = []
        client, peer, port = _free_ports(3)
        self.url = f"https://127.0.0.1:{port}"
        self.ca = folder / "certs/apiserver.crt"
        self.admin = folder / "admin.crt"
        (folder / "certs").mkdir()
        self._write_accounts()
        try:
            self._start_etcd(programs["etcd"], client, peer)
            self._start_api_server(programs["kube-apiserver"], client, port)
        except BaseException:
            self.stop()
            raise

    @property
    def options(self) -> dict[str, Any]:
        """Connection options of our modules."""
        return {"host": self.url, "api_key": self.token, "ca_cert": str(self.ca)}

    @property
    def kubeconfig(self) -> str:
        """One with the administrator's certificate in it, as kubeadm writes them."""
        parts = {"ca": self.ca, "crt": self.admin, "key": self.folder / "sa.key"}
        data = {name: base64.b64encode(path.read_bytes()).decode() for name, path in parts.items()}
        user = {"client-certificate-data": data["crt"], "client-key-data": data["key"]}
        cluster = {"server": self.url, "certificate-authority-data": data["ca"]}
        return json.dumps(
            {
                "current-context": "admin",
                "contexts": [{"name": "admin", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": user}],
            }
        )

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json",
        node: str | None = None,
    ) -> Any:  # fmt: skip
        """The decoded answer, to the kubelet of ``node`` where one is named. Raises urllib's HTTPError."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
        )
        if node:
            request.add_header("Impersonate-User", f"system:node:{node}")
            request.add_header("Impersonate-Group", "system:nodes")
        context = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            text = answer.read().decode()
        try:
            return json.loads(text)
        except ValueError:
            return text

    def stop(self) -> None:
        """Ends both programs, the API server first."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)

    def _write_accounts(self) -> None:
        (self.folder / "tokens.csv").write_text(f'{self.token},tester,tester,"system:masters"\n')
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (self.folder / "sa.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        # It signs itself, so it is the CA of the administrators too.
        now = datetime.datetime.now(datetime.timezone.utc)
        name = x509.Name(
            [
                x509.NameAttribute(x509.oid.NameOID.ORGANIZATION_NAME, "system:masters"),
                x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "tester"),
            ]
        )
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        self.admin.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _start(self, program: Path, *arguments: str) -> None:
        with (self.folder / f"{program.name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    [program, *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                    env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
                )
            )  # fmt: skip

    def _start_etcd(self, program: Path, client: int, peer: int) -> None:
        self._start(
            program,
            f"--data-dir={self.folder}/etcd",
            "--unsafe-no-fsync",
            f"--listen-client-urls=http://127.0.0.1:{client}",
            f"--advertise-client-urls=http://127.0.0.1:{client}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
        )

    def _start_api_server(self, program: Path, etcd: int, port: int) -> None:
        self._start(
            program,
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={self.folder}/certs",
            f"--token-auth-file={self.folder}/tokens.csv",
            f"--client-ca-file={self.admin}",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            f"--service-account-key-file={self.folder}/sa.key",
            f"--service-account-signing-key-file={self.folder}/sa.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount",
        )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + START
        last: object = "no answer yet"
        while time.monotonic() < end:
            for process in self._processes:
                if process.poll() is not None:
                    raise RuntimeError(f"{process.args} ended with {process.returncode}:\n{self._logs()}")
            try:
                if self.request("GET", "/readyz") == "ok":
                    return
            except (OSError, urllib.error.URLError) as error:
                last = error
            time.sleep(0.2)
        raise RuntimeError(f"the API server was not ready after {START} s: {last}\n{self._logs()}")

    def _logs(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in sorted(self.folder.glob("*.log")))


def _free_ports(count: int) -> list[int]:
    """Ports that were free together a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports
