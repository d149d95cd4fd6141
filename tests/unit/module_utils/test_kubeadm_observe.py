"""What a node's files say of it, whole or damaged, and why etcd ended, out of what its container has said."""

from __future__ import annotations

import base64
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as observe
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_plan import cluster_plan
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import failure_in
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiRefused
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st


def log(*entries: object) -> str:
    return "".join(f"2026-11-28T19:00:0{number}.0Z stderr F {json.dumps(entry)}\n" for number, entry in enumerate(entries))


def test_the_last_fatal_line_is_the_reason() -> None:
    said = log(
        {"level": "fatal", "msg": "an older one"},
        {"level": "panic", "msg": "tocommit(9) is out of range"},
        {"level": "info", "msg": "closing"},
    )
    assert failure_in(said) == "tocommit(9) is out of range"
    assert failure_in(log({"level": "fatal", "msg": "discovery failed", "error": "member count is unequal"})) == (
        "discovery failed: member count is unequal"
    )


def test_a_log_without_one_tells_nothing() -> None:
    assert failure_in("") is None
    assert failure_in(log({"level": "info", "msg": "ready"}, "text", 3) + "cut off") is None


def pem_files() -> tuple[bytes, bytes]:
    """A certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "kubernetes-admin")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(start).not_valid_after(start + datetime.timedelta(days=365))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), private


CERTIFICATE, KEY = pem_files()
ADMIN_CONF = f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {base64.b64encode(CERTIFICATE).decode()}
    server: https://192.0.2.10:6443
  name: kubernetes
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {base64.b64encode(CERTIFICATE).decode()}
    client-key-data: {base64.b64encode(KEY).decode()}
""".encode()


@pytest.fixture
def kubernetes(root: Path) -> Path:
    """A node's /etc/kubernetes, empty, on a node that has nothing else of a cluster."""
    return root / "etc/kubernetes"


def seen() -> dict[str, Any]:
    found = observe.observe(lambda _command: (127, ""), SystemClock(), "127.0.0.1", [], 0)
    return {**found, "room": dict.fromkeys(found["room"], 2**40)}


@pytest.mark.parametrize("content", [b"", b"\0" * 512, b"\xff\xfe", ADMIN_CONF[:200]])
def test_a_damaged_admin_conf_alone_makes_no_node_of_a_machine(kubernetes: Path, content: bytes) -> None:
    """F6: such a file is left by a mount of kube-vip's, or by a crash, and says nothing of a cluster."""
    (kubernetes / "admin.conf").write_bytes(content)
    assert cluster_plan({"m1": seen()}, ["m1"], [])["steps"] == {"m1": "init"}


def test_a_whole_admin_conf_is_used(kubernetes: Path) -> None:
    (kubernetes / "admin.conf").write_bytes(ADMIN_CONF)
    assert observe.admin_api("127.0.0.1")
    assert set(observe.certificates()) == {str(kubernetes / "admin.conf")}


def test_an_admin_conf_that_is_missing_is_told(kubernetes: Path) -> None:
    assert observe.cluster_view("127.0.0.1") == {"error": f"{kubernetes}/admin.conf is not there"}


@pytest.mark.parametrize(("kept", "version"), [("kubernetesVersion: v1.36.2\n", "v1.36.2"), ("", None), (None, None)])
def test_the_version_that_kubeadm_keeps_is_told_where_it_keeps_one(
    monkeypatch: pytest.MonkeyPatch, kept: str | None, version: str | None
) -> None:
    class Api:
        """An API server of a cluster without nodes. ``kept``: what kubeadm keeps there, None where it keeps nothing."""

        def get(self, path: str) -> dict[str, Any]:
            if path == "/api/v1/nodes":
                return {"items": []}
            if kept is None:
                raise ApiRefused(404, f"{path} not found")
            return {"data": {"ClusterConfiguration": kept}}

    monkeypatch.setattr(observe, "admin_api", lambda _address: Api())
    monkeypatch.setattr(observe, "members", lambda _address: [])
    assert observe.cluster_view("192.0.2.11") == {"nodes": [], "members": [], "version": version}


@with_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, len(ADMIN_CONF) - 20), st.binary(max_size=8))
def test_a_master_with_a_damaged_admin_conf_says_so_and_shows_no_cluster(kubernetes: Path, length: int, more: bytes) -> None:
    """F6: wherever the file is cut off, and whatever a crash has left behind there."""
    for name in ("ca.crt", "apiserver.crt"):
        (kubernetes / "pki" / name).write_bytes(CERTIFICATE)
    (kubernetes / "admin.conf").write_bytes(ADMIN_CONF[:length] + more)
    found = seen()
    assert found["ca"] and found["control_plane"]
    assert set(found["view"]) == {"error"}
    assert f"{kubernetes}/admin.conf is empty or damaged" in found["view"]["error"]
    assert "copy that of another master" in found["view"]["error"]
