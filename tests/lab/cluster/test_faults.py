"""What is wrong with a node, a master's data or the way to the registry is told by name, and the next run mends it.

Joins are made to fail on master-3, which has left the cluster for it. Where a lab's guest cannot have a fault of its own
(swap, the clock), what it reads about it is replaced.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.cluster.cluster import MASTERS, Cluster, eventually, told
from tests.lab.cluster.holder_faults import all_can_take_over
from tests.lab.test_site import IDS, MACHINES, changes

pytestmark = [pytest.mark.long, pytest.mark.timeout(2700)]
JOINER = "master-3"
P2 = ("site.yml", "--tags", "p2")


def whole_again(cluster: Cluster) -> None:
    cluster.play(*P2)
    assert cluster.missed() == []
    assert [cluster.unfinished(name) for name in MACHINES] == [""] * len(MACHINES)
    all_can_take_over(cluster)


@contextmanager
def reads_as(cluster: Cluster, name: str, path: str, text: str) -> Iterator[None]:
    """A file of a node has another content for as long as this lasts."""
    other = f"/run/instead-of{path.replace('/', '-')}"
    cluster.on(name, f"printf %b {shlex.quote(text)} > {other} && chmod 755 {other} && mount --bind {other} {path}")
    try:
        yield
    finally:
        cluster.on(name, f"umount {path} && rm {other}")


@contextmanager
def edited(cluster: Cluster, name: str, path: str, expression: str, then: str = "true") -> Iterator[None]:
    """A file of a node is changed by sed, and later as it was; `then` runs after both."""
    cluster.on(name, f"cp -a {path} /root/kept && sed -i {shlex.quote(expression)} {path} && {then}")
    try:
        yield
    finally:
        cluster.on(name, f"cp -a /root/kept {path} && rm /root/kept && {then}")


def test_swap_in_use_stops_the_run(cluster: Cluster, tmp_path: Path) -> None:
    play = [{"hosts": "master-2", "gather_facts": False, "become": True, "roles": ["detectviz.infra.node_swap"]}]
    (tmp_path / "swap.yml").write_text(json.dumps(play))
    swaps = "Filename Type Size Used Priority\\n/dev/sdz9 partition 1048576 0 -2\\n"
    no_container = "#!/bin/sh\\necho none\\nexit 1\\n"
    with (
        reads_as(cluster, "master-2", "/proc/swaps", swaps),
        reads_as(cluster, "master-2", "/usr/bin/systemd-detect-virt", no_container),
    ):
        said = told(cluster.refused(str(tmp_path / "swap.yml")))
    assert "master-2: swap is still in use on /dev/sdz9" in said and "swapoff" in said


def test_a_site_that_allows_swap_is_not_asked_about_it(cluster: Cluster) -> None:
    assert set(changes(cluster.play("playbooks/p2_nodes.yml", "-e", '{"node_swap_allowed": true}')).values()) == {0}


def test_a_clock_that_is_off_stops_the_run(cluster: Cluster) -> None:
    behind = "{{ now(utc=true).timestamp() + (3600 if inventory_hostname == 'master-2' else 0) }}"
    said = told(cluster.refused(*P2, "-e", json.dumps({"node_time_control": behind})))
    assert re.search(r"master-2: the clock differs by -3[56]\d\d", said) and "Set the clock that is wrong" in said
    assert "master-1: the clock differs" not in said


def test_a_package_of_another_version_stops_the_run(cluster: Cluster) -> None:
    other = "/^Package: kubelet$/,/^$/s/^Version: .*/Version: 1.35.9-1.1/"
    with edited(cluster, "app-worker", "/var/lib/dpkg/status", other):
        said = told(cluster.refused(*P2))
    assert "Nothing was changed. The site wants Kubernetes 1.36, and app-worker has kubelet 1.35.9-1.1" in said
    assert "playbooks/upgrade.yml" in said


def test_another_kubelet_before_the_packages_stops_the_run(cluster: Cluster) -> None:
    cluster.on("app-worker", "printf '#!/bin/sh\\necho Kubernetes v1.35.9\\n' > /usr/local/bin/kubelet; chmod 755 /usr/local/bin/kubelet")
    try:
        said = told(cluster.refused(*P2))
    finally:
        cluster.on("app-worker", "rm /usr/local/bin/kubelet")
    assert "app-worker: the packages are 1.36" in said and "Kubernetes v1.35.9" in said
    assert "is there another kubeadm or kubelet before /usr/bin in the path?" in said


def test_a_node_whose_disk_is_full_is_named_with_its_condition(cluster: Cluster) -> None:
    """The kubelet's threshold is raised over what is free: filling the disk would fill the machine's."""
    full = r's/^\( *nodefs.available:\).*/\1 "99%"/'
    with edited(cluster, "app-worker", "/var/lib/kubelet/config.yaml", full, "systemctl restart kubelet"):
        eventually("the kubelet tells of its disk", lambda: disk_pressure(cluster, "app-worker"))
        cluster.refused("playbooks/acceptance_p2.yml")
        missed = {(row["guest"], row["check"]): row for row in cluster.missed()}
        assert {guest for guest, _check in missed} == {"app-worker"}
        assert "DiskPressure" in json.dumps(list(missed.values()))
    eventually("the pressure is gone", lambda: not disk_pressure(cluster, "app-worker"), 600)
    whole_again(cluster)


def test_a_slow_disk_under_etcd_is_named_with_what_a_write_takes(cluster: Cluster) -> None:
    with slow_disk(cluster, "master-2", writes=10):
        cluster.refused("playbooks/acceptance_p2.yml")
        missed = {row["guest"]: row["found"] for row in cluster.missed() if row["check"] == "etcd's disk"}
    print(f"at ten writes a second: {missed}")
    assert list(missed) == ["master-2"]
    whole_again(cluster)


@contextmanager
def slow_disk(cluster: Cluster, name: str, writes: int) -> Iterator[None]:
    """A node's etcd alone may write so often in a second: a whole guest would not even answer."""
    guest = f"{cluster.lab.namespace}-{IDS[list(MACHINES).index(name)]}"
    top = Path("/sys/fs/cgroup/blkio") / cluster.lab.namespace / guest
    if not (top / THROTTLE).exists():
        pytest.skip(f"there is no {top / THROTTLE}: this machine has cgroup v2, or a kernel that cannot slow writes")
    groups = [path.parent for path in top.rglob("cgroup.procs") if "etcd" in map(program, path.read_text().split())]
    assert groups, f"etcd of {name} has no control group below {top}"
    disk = whole_disk(os.stat(cluster.lab.folder).st_dev)

    def allow(number: int) -> None:
        for group in groups:
            with contextlib.suppress(FileNotFoundError):  # of an etcd that has ended since
                (group / THROTTLE).write_text(f"{disk} {number}")

    allow(writes)
    try:
        yield
    finally:
        allow(0)


def program(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except FileNotFoundError:  # it has ended since
        return ""


THROTTLE = "blkio.throttle.write_iops_device"


def whole_disk(device: int) -> str:
    """Numbers of the disk that a device is, or is a part of: only disks can be slowed."""
    place = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    return ((place.parent if (place / "partition").exists() else place) / "dev").read_text().strip()


def disk_pressure(cluster: Cluster, name: str) -> bool:
    taints = cluster.objects("node", name)[0]["spec"].get("taints", [])
    return any(taint["key"] == "node.kubernetes.io/disk-pressure" for taint in taints)


@pytest.fixture(scope="module")
def left(cluster: Cluster) -> Cluster:
    """The last master has left the cluster."""
    cluster.play("playbooks/remove_node.yml", "-e", f"remove={JOINER}", "-e", "remove_drain=false")
    assert cluster.voters() == set(MASTERS) - {JOINER}
    return cluster


@contextmanager
def vanishing(cluster: Cluster, *selection: str) -> Iterator[None]:
    """Secrets of kube-system are deleted as soon as they are there."""
    ended = threading.Event()

    def delete() -> None:
        while not ended.wait(0.2):
            cluster.kubectl("--namespace", "kube-system", "delete", "secrets", "--ignore-not-found", *selection, code=None)

    thread = threading.Thread(target=delete)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_join_token_that_vanishes_fails_the_join(left: Cluster) -> None:
    with vanishing(left, "--field-selector", "type=bootstrap.kubernetes.io/token"):
        said = told(left.refused(*P2))
    assert f"{JOINER}: kubeadm join ended with code 1" in said and "run again" in said


def test_the_key_of_the_certificates_that_is_gone_fails_the_join(left: Cluster) -> None:
    with vanishing(left, "kubeadm-certs"):
        said = told(left.refused(*P2))
    assert f"{JOINER}: kubeadm join ended with code 1" in said and "kubeadm-certs" in said and "run again" in said


def test_a_registry_that_does_not_answer_is_named(left: Cluster) -> None:
    left.on(JOINER, "ctr -n k8s.io images ls -q | grep kube-apiserver | xargs ctr -n k8s.io images rm")
    made = json.loads((left.lab.folder / "lab.json").read_text())
    os.kill(made["processes"]["registry"]["pid"], signal.SIGKILL)
    try:
        said = told(left.refused(*P2))
    finally:
        left.lab("up", "--yes", "--site", made["source"])
    assert JOINER in said and "kube-apiserver" in said and "connection refused" in said


def test_a_full_disk_under_etcd_refuses_the_join(left: Cluster) -> None:
    left.on(JOINER, "mount -t tmpfs -o size=16M full /var/lib/etcd")
    try:
        said = told(left.refused(*P2))
    finally:
        left.on(JOINER, "umount --lazy /var/lib/etcd")
    assert JOINER in said and "/var/lib/etcd" in said


def test_after_all_of_them_the_node_joins(left: Cluster) -> None:
    whole_again(left)
    assert left.voters() == set(MASTERS)


@contextmanager
def without_peers(cluster: Cluster, name: str) -> Iterator[None]:
    """The others' etcd does not reach a node's. A first master that begins anew has the ids of the old cluster, and would have the
    data again from the first of them that does."""
    rule = "INPUT --protocol tcp --dport 2380 --jump DROP"
    cluster.on(name, f"iptables --wait --insert {rule}")
    try:
        yield
    finally:
        cluster.on(name, f"iptables --wait --delete {rule}")


@pytest.mark.parametrize("name", [MASTERS[0], MASTERS[-1]])
def test_a_master_that_lost_etcds_data_is_named_with_the_way_out(cluster: Cluster, name: str) -> None:
    """The first one made the cluster, and its etcd begins a new one; the others' cannot begin at all."""
    kept = f"kept-without-{name}"
    cluster.write(kept)
    with without_peers(cluster, name):
        cluster.lose_data(name)
        said = told(cluster.refused(*P2))
    assert f"playbooks/restore.yml -e restore_hosts={name}" in said
    cluster.play("playbooks/restore.yml", "-e", f"restore_hosts={name}")
    whole_again(cluster)
    assert kept in cluster.written()
    cluster.kubectl("delete", "configmap", kept)


def test_etcds_data_lost_on_all_masters_asks_for_a_backup_and_makes_nothing_new(cluster: Cluster) -> None:
    cluster.write("in-the-backup")
    cluster.play("playbooks/backup.yml")
    cluster.lose_data(*MASTERS)
    said = told(cluster.refused(*P2))
    assert "playbooks/restore.yml -e restore_hosts=all" in said
    assert [cluster.unfinished(name) for name in MASTERS] == [""] * len(MASTERS)
    cluster.play("playbooks/restore.yml", "-e", "restore_hosts=all", "-e", f"restore={cluster.backups()[-1].name}")
    whole_again(cluster)
    assert "in-the-backup" in cluster.written()
    cluster.kubectl("delete", "configmap", "in-the-backup")
