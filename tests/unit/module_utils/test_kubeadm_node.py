"""kubeadm on one node: what is written down before it works, and what a run finds that comes later."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as observe
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_upgrade as upgrade
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_config import cluster_configuration
from ansible_collections.detectviz.infra.plugins.modules import kubeadm_node, kubeadm_upgrade


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


def test_a_disk_that_is_full_before_kubeadm_writes_has_begun_nothing(root: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        with node.unfinished_step("init"):
            raise OSError(errno.ENOSPC, "No space left on device", "audit-policy.json.part")
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


class Images:
    """kubeadm and containerd of a node, as far as images go. Without a file kubeadm takes the newest version it knows.

    ``refused``: what the registry says to ctr. ``by_kubelet``: whether crictl is there and the registry answers it.
    """

    def __init__(self, *present: str, dump: str = "", refused: str = "", by_kubelet: bool = False) -> None:
        self.present = set(present)
        self.dump, self.refused, self.by_kubelet = dump, refused, by_kubelet
        self.pulls = 0

    def __call__(self, command: list[str]) -> tuple[int, str]:
        if command[0] == "containerd":
            return 0, self.dump
        if command[0] == "crictl" and not self.by_kubelet:
            return 127, "crictl is not installed"
        if command[0] in ("ctr", "crictl") and "pull" in command:
            if command[0] == "ctr":
                assert command[command.index("--hosts-dir") + 1] == "/etc/containerd/certs.d"
                if self.refused:
                    return 1, self.refused
            self.pulls += 1
            self.present.add(command[-1])
            return 0, ""
        if command[0] == "ctr":
            return 0, "\n".join(self.present)
        if command[:2] == ["kubeadm", "version"]:
            return 0, "v1.36.3\n"
        told: dict[str, Any] = {}
        if "--config" in command:
            told = json.loads(Path(command[command.index("--config") + 1]).read_text(encoding="ascii"))
        wanted = self.of(told.get("kubernetesVersion", "v1.99.0"), told.get("imageRepository", "registry.k8s.io"))
        if "pull" in command:
            self.pulls += 1
            self.present |= set(wanted)
        return 0, "\n".join(wanted)

    @staticmethod
    def of(version: str, registry: str = "registry.k8s.io") -> list[str]:
        return [f"{registry}/kube-apiserver:{version}", f"{registry}/etcd:3.6.8-0"]


class ListedImages(Images):
    """kubeadm that lists a worker's images too."""

    @staticmethod
    def of(version: str, registry: str = "registry.k8s.io") -> list[str]:
        return [*Images.of(version, registry), f"{registry}/kube-proxy:{version}", f"{registry}/pause:3.10.2"]


CLUSTER = {"name": "x", "endpoint": "192.0.2.10:6443", "certificate_names": [], "pod_cidrs": ["10.244.0.0/16"],
           "service_cidrs": ["10.96.0.0/12"], "proxy_mode": "iptables"}  # fmt: skip


def for_a_new_node(run: node.Run, version: str, registry: str | None) -> list[str]:
    return node.pull_images(run, cluster_configuration({**CLUSTER, "version": version, "image_repository": registry}))


@pytest.mark.parametrize("registry", [None, "192.0.2.1:5000/k8s"])
@pytest.mark.parametrize("pull", [for_a_new_node, upgrade.pull_images], ids=["new node", "upgrade"])
def test_images_are_those_of_the_sites_version_and_registry_and_fetched_once(
    root: Path, monkeypatch: pytest.MonkeyPatch, pull: Callable[[node.Run, str, str | None], list[str]], registry: str | None
) -> None:
    monkeypatch.setattr(node, "RUN_DIR", root / "run")
    wanted = Images.of("v1.36.3", registry or "registry.k8s.io")
    run = Images(wanted[1], *Images.of("v1.35.8"))
    before = set(run.present)
    assert pull(run, "v1.36.3", registry) == [wanted[0]]
    assert run.present - before == {wanted[0]} and run.pulls == 1
    assert pull(run, "v1.36.3", registry) == [] and run.pulls == 1
    assert list((root / "run").iterdir()) == []


def for_a_worker(run: node.Run, version: str, registry: str | None = None, check: bool = False) -> list[str]:
    cluster = {**CLUSTER, "version": version, "image_repository": registry}
    return node.pull_worker_images(run, cluster_configuration(cluster), "/etc/containerd", check)


@pytest.mark.parametrize("registry", ["registry.k8s.io", "192.0.2.1:5000/k8s"])
def test_a_worker_fetches_what_its_first_pods_need_and_nothing_of_the_control_plane(
    root: Path, monkeypatch: pytest.MonkeyPatch, registry: str
) -> None:
    monkeypatch.setattr(node, "RUN_DIR", root / "run")
    run = ListedImages()
    wanted = [f"{registry}/pause:3.10.2", f"{registry}/kube-proxy:v1.36.3"]
    assert for_a_worker(run, "v1.36.3", registry, check=True) == wanted and run.pulls == 0
    assert for_a_worker(run, "v1.36.3", registry) == wanted and run.present == set(wanted)
    assert for_a_worker(run, "v1.36.3", registry) == [] and run.pulls == 2
    assert list((root / "run").iterdir()) == []


@pytest.mark.parametrize(
    "dump",
    ["  [plugins.'io.containerd.cri.v1.images'.pinned_images]\n    sandbox = 'mine/pause:9'\n\n    sandboxer = 'podsandbox'\n",
     '  [plugins."io.containerd.grpc.v1.cri"]\n    restrict = true\n    sandbox_image = "mine/pause:9"\n'],
    ids=["containerd 2", "containerd 1"],
)  # fmt: skip
def test_the_sandbox_of_a_worker_is_the_one_that_containerd_takes(
    root: Path, monkeypatch: pytest.MonkeyPatch, dump: str
) -> None:
    monkeypatch.setattr(node, "RUN_DIR", root / "run")
    run = ListedImages(dump=dump)
    assert for_a_worker(run, "v1.36.3") == ["mine/pause:9", "registry.k8s.io/kube-proxy:v1.36.3"]


def test_a_worker_that_the_registry_does_not_answer_says_which_image_and_why(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "RUN_DIR", root / "run")
    run = ListedImages("registry.k8s.io/pause:3.10.2", refused="dial tcp 192.0.2.1:5000: connect: connection refused")
    with pytest.raises(InfraError, match=r"registry.k8s.io/kube-proxy:v1.36.3, which a worker needs.*192.0.2.1:5000.*refused"):
        for_a_worker(run, "v1.36.3")
    assert list((root / "run").iterdir()) == []


def test_a_registry_that_answers_only_containerd_itself_is_asked_by_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "RUN_DIR", root / "run")
    run = ListedImages(refused="401 Unauthorized", by_kubelet=True)
    assert set(for_a_worker(run, "v1.36.3")) == run.present and len(run.present) == 2


def of_the_module(which: Any, root: Path, monkeypatch: pytest.MonkeyPatch, run: node.Run, check: bool = True,
                  control_plane: bool = True) -> dict[str, Any]:  # fmt: skip
    """What the module returns for state=images."""
    monkeypatch.setattr(node, "RUN_DIR", root / "run")
    monkeypatch.setattr(node, "LOCK", root / "run/kubeadm.lock")
    monkeypatch.setattr(which, "runner", lambda _module: run)
    cluster = {**CLUSTER, "version": None, "image_repository": None}
    params = {"state": "images", "name": "n", "timeout": 1, "cluster": cluster, "allow_standins": True,
              "control_plane": control_plane, "containerd_folder": "/etc/containerd"}  # fmt: skip
    module: Any = SimpleNamespace(params={**params, "version": "v1.36.3", "image_repository": None}, check_mode=check)
    result: dict[str, Any] = which.act(module)
    return result


both_modules = pytest.mark.parametrize("which", [kubeadm_node, kubeadm_upgrade], ids=["new node", "upgrade"])


@both_modules
def test_a_check_run_tells_the_images_that_are_missing_and_fetches_none(
    root: Path, monkeypatch: pytest.MonkeyPatch, which: Any
) -> None:
    wanted = Images.of("v1.36.3")
    run = Images(wanted[1])
    missing = {"changed": True, "images": [wanted[0]]}
    assert of_the_module(which, root, monkeypatch, run) == missing and run.pulls == 0
    assert of_the_module(which, root, monkeypatch, run, check=False) == missing and run.pulls == 1
    assert of_the_module(which, root, monkeypatch, run) == {"changed": False, "images": []}


@both_modules
def test_a_check_run_on_a_machine_that_is_not_prepared_yet_has_all_images_to_fetch(
    root: Path, monkeypatch: pytest.MonkeyPatch, which: Any
) -> None:
    def nothing(command: list[str]) -> tuple[int, str]:
        return 127, f"{command[0]} is not installed"

    def no_containerd(command: list[str]) -> tuple[int, str]:
        return nothing(command) if command[0] == "ctr" else Images()(command)

    assert of_the_module(which, root, monkeypatch, nothing) == {"changed": True, "images": []}
    assert of_the_module(which, root, monkeypatch, no_containerd) == {"changed": True, "images": Images.of("v1.36.3")}


def test_the_module_fetches_the_images_of_a_node_that_is_not_one_of_the_control_plane(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, wanted = ListedImages(), ["registry.k8s.io/pause:3.10.2", "registry.k8s.io/kube-proxy:v1.36.3"]
    for check, images in ((True, wanted), (False, wanted), (False, []), (True, [])):
        told = of_the_module(kubeadm_node, root, monkeypatch, run, check, control_plane=False)
        assert told == {"changed": bool(images), "images": images}
    assert run.pulls == 2
