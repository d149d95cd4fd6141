"""Kubernetes 1.35 becomes 1.36 on real guests, in a lab of its own; two of the runs are killed on the way, and one fails.

The tests of this file are one story, told in order.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cluster.cluster import MASTERS, Cluster, eventually, told
from tests.lab.conftest import CHECKOUT, LAB_NAME, LabCommand
from tests.lab.test_site import MACHINES, changes

pytestmark = [pytest.mark.long, pytest.mark.timeout(5400)]
RUNNING = "DETECTVIZ_TEST_UPGRADE"
"""Name of a lab that runs 1.35 already, for work on this file: it is used as it is, and left."""
OLD, NEW = "1.35", "1.36"
BOTH = ("--minor", OLD, "--minor", NEW)
UPGRADE = "playbooks/upgrade.yml"
REPLICAS, KEPT = 3, 2
TOLERATE = [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]


@dataclass
class Story:
    lab: LabCommand
    site: Path
    """The user's own folder of the site."""

    def wants(self, minor: str) -> None:
        """The user changes one line of the site's file."""
        file = self.site / "group_vars/all/site.yml"
        lines = [f'kubernetes_version: "{minor}"' if line.startswith("kubernetes_version:") else line
                 for line in file.read_text().splitlines()]  # fmt: skip
        file.write_text("\n".join([*lines, ""]))
        self.lab("up", "--yes", "--site", str(self.site), *BOTH)


@pytest.fixture(scope="module")
def story(request: pytest.FixtureRequest) -> Iterator[Story]:
    running = os.environ.get(RUNNING)
    if running:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
        lab = LabCommand(state, running, seconds=2400)
        yield Story(lab, Path(json.loads((lab.folder / "lab.json").read_text())["source"]))
        return
    site = request.getfixturevalue("tmp_path_factory").mktemp("upgraded") / "site"
    shutil.copytree(CHECKOUT / "inventory/detectviz", site)
    lab = LabCommand(request.getfixturevalue("machine"), f"{LAB_NAME}-upgrade", seconds=2400)
    try:
        made = Story(lab, site)
        made.wants(OLD)
        changes(lab("exec", "--", "ansible-playbook", "site.yml"))
        yield made
    finally:
        lab("down", code=None)


@pytest.fixture(scope="module")
def old_cluster(story: Story) -> Cluster:
    return Cluster(story.lab)


@dataclass
class Workload:
    """Pods that do nothing and may run anywhere, guarded by a budget; how many were ready, seen all the time."""

    cluster: Cluster
    ready: list[int] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def make(self, image: str) -> None:
        labels = {"app": "web"}
        container = {"name": "web", "image": image, "resources": {"requests": {"cpu": "1m"}}}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [container], "tolerations": TOLERATE,
               "terminationGracePeriodSeconds": 1}}  # fmt: skip
        objects: list[dict[str, Any]] = [
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
             "spec": {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": pod}},
            {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
             "spec": {"minAvailable": KEPT, "selector": {"matchLabels": labels}}},
        ]  # fmt: skip
        file = self.cluster.lab.folder / "web.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        self.cluster.kubectl("apply", "--filename", str(file))
        eventually("all pods are ready", lambda: self._count() == REPLICAS)

    def watch(self) -> None:
        while not self.ended.wait(1):
            try:
                self.ready.append(self._count())
            except (AssertionError, ValueError, subprocess.SubprocessError):
                continue  # the API itself is away for moments, and measured by the playbook

    def _count(self) -> int:
        (deployment,) = self.cluster.objects("deployment", "web")
        return int(deployment["status"].get("readyReplicas", 0))


@pytest.fixture(scope="module")
def web(old_cluster: Cluster) -> Iterator[Workload]:
    workload = Workload(old_cluster)
    workload.make("registry.k8s.io/pause:3.10.1")
    watcher = threading.Thread(target=workload.watch, daemon=True)
    watcher.start()
    yield workload
    workload.ended.set()
    watcher.join(60)


def kubelets(cluster: Cluster) -> dict[str, str]:
    """The minor version that each node's kubelet says."""
    return {
        node["metadata"]["name"]: ".".join(node["status"]["nodeInfo"]["kubeletVersion"].removeprefix("v").split(".")[:2])
        for node in cluster.objects("nodes")
    }


def killed_when(cluster: Cluster, what: str, seen: Callable[[], object]) -> None:
    """Starts the upgrade, and kills it as soon as `seen`."""
    with cluster.background(UPGRADE) as run:
        run.until(what, lambda: bool(seen()))


def test_the_older_minor_version_is_a_verified_cluster(story: Story, old_cluster: Cluster) -> None:
    assert kubelets(old_cluster) == dict.fromkeys(MACHINES, OLD)
    assert old_cluster.missed() == []


def test_a_plain_run_for_another_version_changes_nothing_and_names_the_upgrade(
    story: Story, old_cluster: Cluster, web: Workload
) -> None:
    story.wants(NEW)
    before = old_cluster.on("master-1", "cat /etc/containerd/config.toml /etc/apt/sources.list.d/kubernetes.sources")
    said = old_cluster.refused("site.yml", "--tags", "p2")
    assert said.count("fatal: ") == 1 and "playbooks/upgrade.yml" in said
    assert before == old_cluster.on("master-1", "cat /etc/containerd/config.toml /etc/apt/sources.list.d/kubernetes.sources")


def test_the_plan_tells_every_step_and_changes_nothing(old_cluster: Cluster) -> None:
    said = old_cluster.play(UPGRADE, "--check")
    assert set(changes(said).values()) == {0}
    said = told(said).replace("''", "'")  # as YAML quotes it
    assert "master-1: kubeadm's package, kubeadm upgrade apply, drain, kubelet and kubectl, given back" in said
    assert "app-worker: kubeadm's package, kubeadm upgrade node, drain" in said
    assert "v1.36 is maintained until" in said


def test_what_forbids_an_upgrade_is_told_at_once_before_anything_is_touched(old_cluster: Cluster) -> None:
    patch = json.dumps({"spec": {"minAvailable": REPLICAS}})
    old_cluster.kubectl("patch", "pdb", "web", "--type", "merge", "--patch", patch)
    old_cluster.kubectl("run", "by-hand", "--image", "registry.k8s.io/pause:3.10.1", "--restart", "Never")
    eventually("the budget allows nothing", lambda: _allowed(old_cluster) == 0)
    said = old_cluster.refused(UPGRADE)
    assert "default/web lets none of its pods go" in said and "default/by-hand on app-worker would be lost" in said
    assert kubelets(old_cluster) == dict.fromkeys(MACHINES, OLD)
    assert not any(node["spec"].get("unschedulable") for node in old_cluster.objects("nodes"))
    old_cluster.kubectl("delete", "pod", "by-hand")
    patch = json.dumps({"spec": {"minAvailable": KEPT}})
    old_cluster.kubectl("patch", "pdb", "web", "--type", "merge", "--patch", patch)
    eventually("the budget allows a disruption", lambda: _allowed(old_cluster) > 0)


def _allowed(cluster: Cluster) -> int:
    return int(cluster.objects("pdb", "web")[0]["status"].get("disruptionsAllowed", 0))


def test_a_run_is_killed_while_kubeadm_works_on_the_first_master(old_cluster: Cluster) -> None:
    begun = "ls /etc/kubernetes/tmp 2>/dev/null | grep backup-manifests || true"
    killed_when(old_cluster, "kubeadm is at work", lambda: old_cluster.on("master-1", begun))
    # It outlives its run; a machine that loses power ends it too.
    old_cluster.on("master-1", "for pid in $(pidof kubeadm); do kill -9 $pid; done")
    assert "apply" in old_cluster.on("master-1", "cat /var/lib/detectviz-infra/kubeadm-upgrade.json")


def test_a_run_is_killed_between_two_masters(old_cluster: Cluster) -> None:
    killed_when(old_cluster, "the first master is new", lambda: kubelets(old_cluster).get("master-1") == NEW)
    assert kubelets(old_cluster)["app-worker"] == OLD


def test_a_run_stops_where_the_container_runtime_does_not_start_and_the_next_one_goes_on_there(old_cluster: Cluster) -> None:
    folder = "/etc/systemd/system/containerd.service.d"
    broken = r"[Service]\nExecStart=\nExecStart=/bin/false\nRestart=no\n"
    old_cluster.on("master-2", f"mkdir {folder} && printf '{broken}' > {folder}/broken.conf && systemctl daemon-reload")
    said = told(old_cluster.refused(UPGRADE))
    assert "The upgrade of master-2 stopped at the error above" in said and "which stays out of use until then" in said
    eventually("master-2 is not ready", lambda: "master-2" not in old_cluster.ready())
    assert old_cluster.on("master-2", "dpkg-query --show --showformat='${Version}' kubelet").startswith(f"{OLD}.")
    old_cluster.on("master-2", f"rm -r {folder} && systemctl daemon-reload")
    said = told(old_cluster.play(UPGRADE, "--check"))
    assert "master-2 is not ready, and its control plane is new: its turn goes on" in said
    assert "master-2: kubelet and kubectl (no drain), given back" in said


def test_the_next_run_ends_the_upgrade(old_cluster: Cluster) -> None:
    old_cluster.play(UPGRADE)
    assert kubelets(old_cluster) == dict.fromkeys(MACHINES, NEW)
    assert old_cluster.missed() == []
    old_cluster.becomes_whole()
    for node in old_cluster.objects("nodes"):
        assert not node["spec"].get("unschedulable")
        assert "detectviz.infra/out-of-use" not in node["metadata"]["annotations"]
    report = json.loads((old_cluster.state / "reports/upgrade.json").read_text())
    print(f"the last run: {json.dumps(report, indent=1)}")
    assert report["to"].startswith(f"v{NEW}.") and "app-worker" in report["nodes"]


def test_the_guarded_pods_were_there_all_the_time(web: Workload) -> None:
    web.ended.set()
    assert len(web.ready) > 60 and min(web.ready) >= KEPT


def test_images_and_settings_are_those_of_the_new_version(old_cluster: Cluster) -> None:
    pods = old_cluster.objects("--namespace", "kube-system", "pods")
    images = {item["image"].rpartition("/")[2] for pod in pods for item in pod["spec"]["containers"]}
    assert {"etcd:3.6.8-0", "coredns:v1.14.2"} <= images
    assert {image.rpartition(":")[2][:5] for image in images if image.startswith("kube-") and "vip" not in image} >= {"v1.36"}
    assert not any(image.endswith(("v1.35.8", "3.6.6-0", "v1.13.1")) for image in images)
    for name in MACHINES:
        assert "failCgroupV1: false" in old_cluster.on(name, "cat /var/lib/kubelet/config.yaml")
        assert "pause:3.10.2" in old_cluster.on(name, "cat /etc/containerd/config.toml")


def test_a_second_run_changes_nothing(old_cluster: Cluster) -> None:
    assert set(changes(old_cluster.play(UPGRADE)).values()) == {0}
    assert set(changes(old_cluster.play("site.yml")).values()) == {0}


@pytest.mark.parametrize("name", MASTERS)
def test_nothing_of_the_upgrade_is_left_on_a_master(old_cluster: Cluster, name: str) -> None:
    assert old_cluster.on(name, "ls /var/lib/detectviz-infra/kubeadm-upgrade.json /run/detectviz-infra/*.json 2>/dev/null || true") == ""
