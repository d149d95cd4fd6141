"""The end of the story: nodes leave the cluster, and the lab leaves the machine as it was."""

from __future__ import annotations

import subprocess

import pytest

from tests.lab.cluster.cluster import MASTERS, Cluster
from tests.lab.cluster.conftest import Demo
from tests.lab.test_safety import differences, picture

pytestmark = pytest.mark.timeout(2700)


@pytest.mark.long
def test_a_master_is_removed_with_its_guest(cluster: Cluster) -> None:
    cluster.play("playbooks/remove_node.yml", "-e", "remove=master-3", "-e", "remove_guest=master-3")
    assert cluster.voters() == cluster.ready() - {"app-worker"} == set(MASTERS) - {"master-3"}
    with pytest.raises((AssertionError, subprocess.TimeoutExpired)):
        cluster.on("master-3", "true")


@pytest.mark.long
def test_a_worker_is_removed_with_its_guest(cluster: Cluster) -> None:
    cluster.play("playbooks/remove_node.yml", "-e", "remove=app-worker", "-e", "remove_guest=app-worker")
    assert {node["metadata"]["name"] for node in cluster.objects("nodes")} == set(MASTERS) - {"master-3"}
    with pytest.raises((AssertionError, subprocess.TimeoutExpired)):
        cluster.on("app-worker", "true")


def test_after_all_this_the_machine_is_as_it_was(demo: Demo) -> None:
    demo.lab.run("bin/demo", "--down")
    assert differences(demo.machine_before, picture()) == {}
    assert not demo.lab.folder.exists()
