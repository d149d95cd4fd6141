"""kubeadm on one node: what is written down before it works, and what a run finds that comes later."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as observe
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node's files in a folder of their own."""
    kubernetes = tmp_path / "etc/kubernetes"
    monkeypatch.setattr(observe, "KUBERNETES", kubernetes)
    monkeypatch.setattr(observe, "PKI", kubernetes / "pki")
    monkeypatch.setattr(observe, "MANIFESTS", kubernetes / "manifests")
    monkeypatch.setattr(observe, "ETCD_DATA", tmp_path / "var/lib/etcd/member")
    monkeypatch.setattr(observe, "UNFINISHED", tmp_path / "var/lib/detectviz-infra/kubeadm-unfinished.json")
    (kubernetes / "pki").mkdir(parents=True)
    (tmp_path / "var/lib").mkdir(parents=True)
    return tmp_path


def fail_after(written: Path | None, step: str = "init") -> None:
    with node.unfinished_step(step):
        if written:
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text("x", encoding="ascii")
        raise InfraError("kubeadm ended with code 1")


def test_a_step_is_written_down_while_it_lasts(root: Path) -> None:
    with node.unfinished_step("join"):
        assert observe.unfinished() == "join"
    assert observe.unfinished() is None


@pytest.mark.parametrize(
    "path", ["etc/kubernetes/pki/ca.crt", "etc/kubernetes/kubelet.conf", "var/lib/etcd/member/wal"]
)
def test_a_node_that_another_run_has_made_meanwhile_is_not_touched(root: Path, path: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("theirs", encoding="ascii")
    with pytest.raises(InfraError, match="another run"):
        fail_after(None)
    assert observe.unfinished() is None


def test_kubeadm_that_failed_before_it_wrote_anything_has_begun_nothing(root: Path) -> None:
    with pytest.raises(InfraError, match="code 1"):
        fail_after(None)
    assert observe.unfinished() is None


@pytest.mark.parametrize("path", ["etc/kubernetes/pki/sa.key", "etc/kubernetes/admin.conf", "var/lib/etcd/member/wal"])
def test_kubeadm_that_failed_later_is_gone_on_with(root: Path, path: str) -> None:
    with pytest.raises(InfraError, match="code 1"):
        fail_after(root / path)
    assert observe.unfinished() == "init"
    with node.unfinished_step("init"):
        pass
    assert observe.unfinished() is None


def test_what_was_written_down_of_a_step_stays_until_it_has_ended(root: Path) -> None:
    node.begin("init", restored="7-42")
    with pytest.raises(InfraError, match="code 1"):
        fail_after(None)
    assert observe.begun() == {"step": "init", "restored": "7-42"}
