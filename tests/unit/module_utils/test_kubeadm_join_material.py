"""What a master reads for a node that joins."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_config as config
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_join_material as material
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A master's files in a folder of their own."""
    monkeypatch.setattr(material, "MANIFESTS", tmp_path)
    monkeypatch.setattr(material, "PKI", tmp_path / "pki")
    monkeypatch.setattr(config, "FILES_DIR", str(tmp_path / "apiserver"))
    monkeypatch.setattr(config, "AUDIT_POLICY_FILE", str(tmp_path / "apiserver/audit-policy.json"))
    monkeypatch.setattr(config, "ENCRYPTION_FILE", str(tmp_path / "apiserver/encryption.json"))
    return tmp_path


def test_a_file_that_is_missing_is_named_before_anything_is_made(root: Path) -> None:
    with pytest.raises(InfraError, match="pki/ca.crt"):
        material.join_material(lambda _command: (0, ""), 0.0, "192.0.2.11", {"endpoint": "192.0.2.10:6443"}, True, 30)


def test_a_cluster_that_others_made_without_encryption_has_none_to_hand_out(root: Path) -> None:
    (root / "kube-apiserver.yaml").write_text("command: [kube-apiserver]", encoding="ascii")
    assert material.encryption_file() == ""
    node.write_api_server_files("")
    assert not Path(config.ENCRYPTION_FILE).exists() and Path(config.AUDIT_POLICY_FILE).exists()


def test_encryption_that_the_api_server_uses_must_be_there(root: Path) -> None:
    manifest = f"command: [kube-apiserver, --encryption-provider-config={config.ENCRYPTION_FILE}]"
    (root / "kube-apiserver.yaml").write_text(manifest, encoding="ascii")
    with pytest.raises(InfraError, match="encryption.json"):
        material.encryption_file()
    node.write_api_server_files(None)
    made = material.encryption_file()
    assert "secretbox" in made
    node.write_api_server_files(None)
    assert material.encryption_file() == made


class Api:
    """An API server that keeps what is made."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.made.append((path, body))
        return body


@pytest.mark.parametrize("minutes", [1, 30, 120])
def test_each_node_gets_a_token_of_its_own_that_ends_by_itself_and_can_only_join(
    root: Path, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """F8: an empty token, or one that stays, never comes out of it."""
    (root / "pki").mkdir()
    (root / "pki/ca.crt").write_text("CA", encoding="ascii")
    api = Api()
    monkeypatch.setattr(material, "admin_api", lambda _address: api)
    given_out = [
        material.join_material(
            lambda _command: (0, ""), NOW.timestamp(), "192.0.2.11", {"endpoint": "192.0.2.10:6443"}, False, minutes
        )["token"]
        for _node in range(2)
    ]
    assert len(set(given_out)) == 2
    for token, (path, secret) in zip(given_out, api.made, strict=True):
        assert re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", token)
        assert path == "/api/v1/namespaces/kube-system/secrets"
        data = secret["stringData"]
        assert f"{data['token-id']}.{data['token-secret']}" == token
        ends = datetime.datetime.fromisoformat(data["expiration"].replace("Z", "+00:00"))
        assert ends - NOW == datetime.timedelta(minutes=minutes)


@given(st.from_regex(r"[a-z0-9]{6}\.[a-z0-9]{16}", fullmatch=True))
def test_the_secret_of_a_token_is_one_that_kubernetes_knows_and_is_good_for_joining_alone(token: str) -> None:
    secret = material.token_secret(token, NOW)
    identity, _dot, hidden = token.partition(".")
    assert secret["type"] == "bootstrap.kubernetes.io/token"
    assert secret["metadata"] == {"name": f"bootstrap-token-{identity}", "namespace": "kube-system"}
    data = secret["stringData"]
    assert (data["token-id"], data["token-secret"], data["expiration"]) == (identity, hidden, "2026-01-01T00:00:00Z")
    # Not for signing: a joiner has the CA already, and does not trust what cluster-info says.
    assert [key for key in data if key.startswith("usage-")] == ["usage-bootstrap-authentication"]
    assert data["usage-bootstrap-authentication"] == "true"
    assert data["auth-extra-groups"] == "system:bootstrappers:kubeadm:default-node-token"
    assert all(isinstance(value, str) for value in data.values())
