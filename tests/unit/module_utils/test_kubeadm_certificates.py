"""A static pod is started again, whatever it listens on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_certificates as certificates
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as observe
from ansible_collections.detectviz.infra.plugins.module_utils._errors import DeadlineError, InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiUnreachable

from tests.unit.fake_clock import FakeClock

# The processes of another worker that runs tests of this file have other names.
POD = f"kube-test-vip-{os.getpid()}"


class Kubelet(FakeClock):
    """A clock; whenever somebody waits, the process is there if and only if its manifest is."""

    def __init__(self, manifest: Path) -> None:
        super().__init__(time=0.0)
        self.manifest = manifest
        self.process: subprocess.Popen[bytes] | None = None
        self.starts, self.works = 0, True
        self.sleep(0)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.works and self.manifest.exists() and self.process is None:
            self.process = subprocess.Popen([self.manifest.stem, "-c", "import time; time.sleep(60)"], executable=sys.executable)
            self.starts += 1
        elif self.works and not self.manifest.exists():
            self.end()

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def kubelet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubelet]:
    for name, folder in (("MANIFESTS", "manifests"), ("STASH", "restarting")):
        monkeypatch.setattr(certificates, name, tmp_path / folder)
    (tmp_path / "manifests").mkdir()
    (tmp_path / f"manifests/{POD}.yaml").write_text("a: b", encoding="ascii")
    kubelet = Kubelet(tmp_path / f"manifests/{POD}.yaml")
    yield kubelet
    kubelet.end()


def test_a_pod_that_listens_nowhere_is_ended_and_runs_again(kubelet: Kubelet) -> None:
    before = certificates.processes(POD)
    assert len(before) == 1
    certificates.restart(kubelet, POD, 30)
    assert kubelet.starts == 2
    assert len(certificates.processes(POD)) == 1 and not certificates.processes(POD) & before


def test_a_pod_that_does_not_end_keeps_its_manifest(kubelet: Kubelet) -> None:
    kubelet.works = False
    with pytest.raises(DeadlineError, match="to end"):
        certificates.restart(kubelet, POD, 5)
    assert kubelet.manifest.exists()


def test_a_pod_that_the_kubelet_lets_wait_is_not_waited_for(kubelet: Kubelet) -> None:
    kubelet.works = False
    kubelet.end()
    certificates.restart(kubelet, POD, 5)
    assert kubelet.manifest.exists() and kubelet.time == 0


def test_a_manifest_that_an_ended_run_left_aside_is_put_back(kubelet: Kubelet) -> None:
    assert certificates.put_back() == []
    certificates.STASH.mkdir()
    kubelet.manifest.rename(certificates.STASH / kubelet.manifest.name)
    assert certificates.put_back() == [POD]
    assert kubelet.manifest.read_text(encoding="ascii") == "a: b"
    assert certificates.put_back() == []


def test_a_manifest_that_somebody_has_made_meanwhile_stays(kubelet: Kubelet) -> None:
    certificates.STASH.mkdir()
    (certificates.STASH / kubelet.manifest.name).write_text("old: b", encoding="ascii")
    certificates.put_back()
    assert kubelet.manifest.read_text(encoding="ascii") == "a: b"
    assert certificates.put_back() == []


def test_where_nothing_works_all_pods_end_at_once_and_the_kubelet_begins_anew(
    kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "PODS", ("kube-never-there", POD))
    done = []

    def run(command: list[str]) -> tuple[int, str]:
        done.append((command, kubelet.manifest.exists(), certificates.processes(POD)))
        return 0, ""

    certificates.restart_all(run, kubelet, 30)
    assert done == [(["systemctl", "restart", "kubelet"], True, set())]
    with pytest.raises(InfraError, match="journalctl -u kubelet"):
        certificates.restart_all(lambda _command: (1, "no"), kubelet, 30)


PODS = tuple(f"test-{pod}-{os.getpid()}" for pod in certificates.PODS)
"""As a true master's, under names that no process here has."""
API_SERVER = f"test-kube-apiserver-{os.getpid()}"
ADDRESS = "192.0.2.11"


class Master:
    """A master whose API server answers while it runs, and knows its node. Whenever somebody waits, its kubelet works."""

    def __init__(self, kubernetes: Path) -> None:
        self.pods = {pod: Kubelet(kubernetes / f"manifests/{pod}.yaml") for pod in PODS}
        self.known, self.code = True, 0
        self.restarted: list[str] = []
        self.at_once = 0
        self.commands: list[list[str]] = []

    def now(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        return max(pod.time for pod in self.pods.values())

    def sleep(self, seconds: float) -> None:
        before = self.starts()
        for pod in self.pods.values():
            pod.sleep(seconds)
        self.restarted += [name for name, count in self.starts().items() if count > before[name]]
        self.at_once = max(self.at_once, sum(pod.process is None for pod in self.pods.values()))

    def starts(self) -> dict[str, int]:
        return {name: pod.starts for name, pod in self.pods.items()}

    def run(self, command: list[str]) -> tuple[int, str]:
        """kubeadm. Nothing that runs has the new certificates yet."""
        self.commands.append(command)
        assert set(self.starts().values()) == {1}
        return self.code, ""

    def get(self, path: str) -> Any:
        if self.pods[API_SERVER].process is None:
            raise ApiUnreachable("connection refused")
        if path == "/readyz":
            return "ok"
        return {"items": [{"metadata": {"name": "node-1"}}] if self.known else []}


@pytest.fixture
def master(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Master]:
    for name, folder in (
        ("KUBERNETES", "."), ("PKI", "pki"), ("MANIFESTS", "manifests"), ("STASH", "restarting"), ("BACKUPS", "backups"),
    ):  # fmt: skip
        monkeypatch.setattr(certificates, name, tmp_path / folder)
    monkeypatch.setattr(certificates, "PODS", PODS)
    for folder in ("pki/etcd", "manifests"):
        (tmp_path / folder).mkdir(parents=True)
    for path in ("pki/apiserver.crt", "pki/etcd/server.key", "admin.conf", *(f"manifests/{pod}.yaml" for pod in PODS)):
        (tmp_path / path).write_text("old", encoding="ascii")
    master = Master(tmp_path)
    monkeypatch.setattr(observe, "admin_api", lambda _address: master)
    monkeypatch.setattr(observe, "members", lambda address: [{"address": address, "learner": False}])
    yield master
    for pod in master.pods.values():
        pod.end()


def renew(master: Master) -> Path:
    return Path(certificates.renew(master.run, master, ADDRESS, "node-1", 30))


def test_all_that_reads_certificates_when_it_starts_is_started_again() -> None:
    """F17: kube-vip too, which has the administrator's."""
    assert set(certificates.PODS) == {*observe.CONTROL_PLANE_PODS, "kube-vip"}


def test_after_a_renewal_each_static_pod_is_started_again_one_after_the_other(master: Master, tmp_path: Path) -> None:
    backup = renew(master)
    assert master.commands == [["kubeadm", "certs", "renew", "all"]]
    assert master.restarted == list(PODS) and set(master.starts().values()) == {2}
    assert master.at_once == 1, "never are two of them down"
    assert all((tmp_path / f"manifests/{pod}.yaml").read_text(encoding="ascii") == "old" for pod in PODS)
    kept = {str(path.relative_to(backup)) for path in backup.rglob("*") if path.is_file()}
    assert kept == {"pki/apiserver.crt", "pki/etcd/server.key", "admin.conf"}
    assert backup.parent.stat().st_mode & 0o777 == 0o700


def test_a_master_without_kube_vip_starts_the_others_again(master: Master, tmp_path: Path) -> None:
    (tmp_path / f"manifests/{PODS[0]}.yaml").unlink()
    master.sleep(0)
    renew(master)
    assert master.restarted == list(PODS[1:])


def test_where_kubeadm_renews_nothing_nothing_is_started_again(master: Master) -> None:
    master.code = 1
    with pytest.raises(InfraError, match="kubeadm certs ended with code 1"):
        renew(master)
    assert set(master.starts().values()) == {1}


def test_where_a_master_is_not_whole_after_one_pod_the_others_stay(master: Master) -> None:
    master.known = False
    with pytest.raises(DeadlineError, match="node object: False"):
        renew(master)
    assert master.restarted == [PODS[0]]


def test_where_the_api_server_does_not_work_all_are_started_again_at_once(master: Master) -> None:
    """As when its certificate has ended: no part works until enough masters have new ones."""
    master.pods[API_SERVER].end()
    master.pods[API_SERVER].works = False
    steps = []

    def run(command: list[str]) -> tuple[int, str]:
        steps.append((command[0], sum(pod.process is None for pod in master.pods.values())))
        return 0, ""

    certificates.renew(run, master, ADDRESS, "node-1", 30)
    assert steps == [("kubeadm", 1), ("systemctl", len(PODS))]
    assert all(pod.manifest.exists() for pod in master.pods.values())
