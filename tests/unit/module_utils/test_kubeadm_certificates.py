"""A static pod is started again, whatever it listens on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_certificates as certificates
from ansible_collections.detectviz.infra.plugins.module_utils._errors import DeadlineError, InfraError

POD = "kube-test-vip"


class Kubelet:
    """A clock; whenever somebody waits, the process is there if and only if its manifest is."""

    def __init__(self, manifest: Path) -> None:
        self.manifest = manifest
        self.process: subprocess.Popen[bytes] | None = None
        self.time, self.starts, self.works = 0.0, 0, True
        self.sleep(0)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.works and self.manifest.exists() and self.process is None:
            self.process = subprocess.Popen([POD, "-c", "import time; time.sleep(60)"], executable=sys.executable)
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
