"""What a reset puts aside, and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import module_stub
import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as observe
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_reset as reset
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.modules import kubeadm_node

LEFT = (
    "var/lib/detectviz-infra/kubeadm-upgrade.json",
    "etc/kubernetes/restarting/kube-scheduler.yaml",
    "etc/kubernetes/tmp/kubeadm-backup-manifests-2026-01-01/etcd.yaml",
)
"""What an upgrade and a renewal leave that were ended in the middle."""


@pytest.fixture
def wiped(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node on which nothing of a cluster is."""
    for name in ("PKI", "ETCD_DATA", "UNFINISHED"):
        monkeypatch.setattr(reset, name, getattr(observe, name))
    for name in ("LEFT_BY_RESET", "LEFT_BY_RUNS"):
        monkeypatch.setattr(reset, name, tuple(root / str(path).lstrip("/") for path in getattr(reset, name)))
    monkeypatch.setattr(reset, "FILES_DIR", str(root / "etc/kubernetes/detectviz"))
    monkeypatch.setattr(reset, "REMOVED", root / "var/lib/detectviz-infra/removed")
    monkeypatch.setattr(reset, "clear", lambda _run, _folder: [])
    monkeypatch.setattr(node, "RUN_DIR", root / "run")
    monkeypatch.setattr(node, "LOCK", root / "run/lock")
    return root


@pytest.mark.parametrize("left", LEFT)
def test_what_an_ended_run_has_left_goes_with_a_wiped_node(wiped: Path, monkeypatch: pytest.MonkeyPatch, left: str) -> None:
    def changed(check_mode: bool) -> bool:
        return bool(module_stub.run(kubeadm_node, monkeypatch, check_mode, state="reset", name="n1", address="192.0.2.11")["changed"])

    monkeypatch.setattr(kubeadm_node, "runner", lambda _module: lambda _command: (0, ""))
    assert not changed(check_mode=True)
    (wiped / left).parent.mkdir(parents=True)
    (wiped / left).write_text("{}", encoding="ascii")
    assert changed(check_mode=True) and (wiped / left).exists()
    assert changed(check_mode=False) and not (wiped / left).exists()
    assert not changed(check_mode=True) and not changed(check_mode=False)


def test_what_is_wiped_is_kept_aside_for_root_alone(tmp_path: Path) -> None:
    data, aside = tmp_path / "member", tmp_path / "state/removed/now"
    (data / "wal").mkdir(parents=True)
    (data / "wal/0.wal").write_text("x", encoding="ascii")
    reset.keep(aside, data, tmp_path / "not there")
    reset.keep(aside, data)
    assert (aside / "member/wal/0.wal").read_text(encoding="ascii") == "x"
    assert [item.name for item in aside.iterdir()] == ["member"]
    assert aside.stat().st_mode & 0o777 == aside.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_a_link_leads_to_is_emptied_and_links_in_it_lead_nowhere(tmp_path: Path) -> None:
    disk, other, link = tmp_path / "disk", tmp_path / "other", tmp_path / "etcd"
    (disk / "member/wal").mkdir(parents=True)
    other.mkdir()
    (other / "stays").touch()
    (disk / "elsewhere").symlink_to(other)
    link.symlink_to(disk)
    reset.wipe(link)
    assert list(link.iterdir()) == [] and link.is_symlink()
    assert (other / "stays").exists()
    reset.wipe(disk)
    assert not disk.exists()
    reset.wipe(tmp_path / "not there")


def test_a_mount_point_stays_and_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "etcd"
    (data / "member").mkdir(parents=True)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == data)
    reset.wipe(data)
    assert data.is_dir() and list(data.iterdir()) == []


def test_a_vip_that_kube_vip_left_behind_goes_and_the_nodes_own_address_stays() -> None:
    addresses = [{"local": "192.0.2.11", "prefixlen": 24}, {"local": "192.0.2.10", "prefixlen": 32}]
    links = [{"ifname": "lo"}, {"ifname": "eth0", "addr_info": addresses}]
    done = []

    def run(command: list[str]) -> tuple[int, str]:
        done.append(command)
        return 0, json.dumps(links)

    reset.release(run, "192.0.2.10")
    assert done[1:] == [["ip", "address", "delete", "192.0.2.10/32", "dev", "eth0"]]
    done.clear()
    reset.release(run, "2001:db8::9")
    assert len(done) == 1
    with pytest.raises(InfraError, match="not installed"):
        reset.release(lambda _command: (127, "ip is not installed"), "192.0.2.10")
