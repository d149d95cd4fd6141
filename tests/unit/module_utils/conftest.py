"""For the tests of this folder: certificate_factory can be imported, and a node has its files in a folder of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node's files in a folder of their own."""
    # The collection cannot be imported yet when this file is.
    from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as observe

    kubernetes = tmp_path / "etc/kubernetes"
    monkeypatch.setattr(observe, "KUBERNETES", kubernetes)
    monkeypatch.setattr(observe, "PKI", kubernetes / "pki")
    monkeypatch.setattr(observe, "MANIFESTS", kubernetes / "manifests")
    monkeypatch.setattr(observe, "ETCD_DATA", tmp_path / "var/lib/etcd/member")
    monkeypatch.setattr(observe, "UNFINISHED", tmp_path / "var/lib/detectviz-infra/kubeadm-unfinished.json")
    (kubernetes / "pki").mkdir(parents=True)
    (tmp_path / "var/lib").mkdir(parents=True)
    return tmp_path
