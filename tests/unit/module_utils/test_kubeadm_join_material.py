"""What a master reads for a node that joins."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_config as config
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_join_material as material
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError


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
