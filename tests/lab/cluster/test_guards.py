"""What keeps a cluster from harm before anything is made: one run at a time, addresses that others have, what a lab has made."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
from pathlib import Path

import pytest
import yaml

from tests.lab.cluster.cluster import Cluster, eventually, told
from tests.lab.test_site import MACHINES

pytestmark = [pytest.mark.long, pytest.mark.timeout(2700)]
ELSEWHERE = ("-e", json.dumps({"allow_standins": False}))
FREE = "192.168.0.150"
PREFLIGHT = [
    {
        "hosts": "k8s_cluster",
        "gather_facts": False,
        "become": True,
        "roles": [{"role": "detectviz.infra.cluster_state"}],
        "tasks": [
            {
                "ansible.builtin.include_role": {"name": "detectviz.infra.control_plane", "tasks_from": "preflight.yml"},
                "vars": {"control_plane_vip": FREE, "control_plane_pool_addresses": []},
                "when": "inventory_hostname == 'master-1'",
            }
        ],
    }
]


def is_held(lock: Path) -> bool:
    with lock.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_run_has_the_site_alone_and_is_free_of_it_when_killed(cluster: Cluster) -> None:
    lock = cluster.state / "playbook.lock"
    assert not is_held(lock), "connections that OpenSSH keeps must not hold it"
    run = cluster.lab.start("exec", "--", "ansible-playbook", "site.yml", "--tags", "p2")
    try:
        eventually("the run has the site", lambda: is_held(lock) and "site.yml, process" in lock.read_text())
        found = re.search(r"process (\d+) on", lock.read_text())
        assert found
        refused = cluster.lab("exec", "--", "ansible-playbook", "playbooks/backup.yml", code=1)
        assert f"is being worked on by site.yml, process {found[1]} on" in told(refused)
        os.kill(int(found[1]), signal.SIGKILL)
        seconds = eventually("the site is free", lambda: not is_held(lock))
        print(f"free {seconds:.1f} s after kill -9")
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    cluster.play("playbooks/backup.yml")


def test_an_address_that_a_stranger_has_is_refused_and_one_of_a_master_is_not(cluster: Cluster, tmp_path: Path) -> None:
    play = tmp_path / "preflight.yml"
    play.write_text(yaml.safe_dump(PREFLIGHT))
    for name in ("app-worker", "master-2"):
        device = cluster.on(name, f"ip -o address show to {MACHINES[name][0]} | cut -d' ' -f2")
        mac = cluster.on(name, f"cat /sys/class/net/{device}/address")
        cluster.on(name, f"ip address add {FREE}/32 dev {device}")
        try:
            if name == "master-2":
                cluster.play(str(play))
                continue
            said = told(cluster.refused(str(play)))
            assert f"Planned for the Kubernetes API and already in use: {FREE} ({mac} answers on" in said
            assert "write another into vip.address. Nothing was changed" in said
        finally:
            cluster.on(name, f"ip address delete {FREE}/32 dev {device}")
    cluster.play(str(play))


def test_what_the_lab_has_made_is_refused_on_any_other_site(cluster: Cluster) -> None:
    said = told(cluster.refused("site.yml", "--tags", "p2", "--check", *ELSEWHERE))
    for name in MACHINES:
        assert f"{name} has packages of a lab: " in said and f"{name} has images of a lab: " in said
    assert "kubelet (made by the lab of detectviz.infra)" in said and "ghcr.io/kube-vip/kube-vip:" in said
    assert "allow_standins: true" in said


def test_and_missed_by_acceptance(cluster: Cluster) -> None:
    cluster.refused("playbooks/acceptance.yml", "--tags", "p2", *ELSEWHERE)
    missed = {(row["guest"], row["check"]) for row in cluster.missed()}
    assert {(name, check) for name in MACHINES for check in ("made in a lab", "stand-ins")} <= missed
    policy = [check for _name, check in missed - {(name, check) for name, check in missed if "lab" in check or check == "stand-ins"}]
    assert policy and all("NetworkPolicy" in check for check in policy)
    cluster.play("playbooks/acceptance.yml", "--tags", "p2")
    assert cluster.missed() == []
