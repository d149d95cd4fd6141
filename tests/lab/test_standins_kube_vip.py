"""kube-vip's stand-in: two of them, a real API server, and what happens to the one that has the address."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.nodes import recipe
from lab.standins.images import LABEL
from tests.lab.standin_world import World, newest, until, world

VIP = "10.99.0.100"
NODES = ("node-1", "node-2")
LEASE = {"vip_leaseduration": "5", "vip_renewdeadline": "3", "vip_retryperiod": "1"}
# The lease's time, one try and the time that this machine needs: in tries of 0.2 seconds.
TAKEOVER_TRIES = 60


@pytest.fixture(scope="module")
def programs(machine: Path) -> dict[str, Path]:
    """The stand-in and what it talks to."""
    made = recipe.cache_dir() / "artifacts/programs"
    found = {name: newest(made, name) for name in ("etcd", "kube-apiserver", "kubectl", "standin-kube-vip")}
    if missing := [name for name, path in found.items() if path is None]:
        pytest.skip(f"{', '.join(missing)} not in {made}: run python -m lab artifacts")
    return {name: path for name, path in found.items() if path}


@pytest.fixture(scope="module")
def surroundings(programs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("vip"), programs, NODES) as made:
        yield made


class Candidates:
    """The stand-in on the nodes."""

    def __init__(self, surroundings: World, program: Path) -> None:
        self.world = surroundings
        self._program = program
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, node: str) -> None:
        environment = {
            "vip_interface": "eth0", "address": VIP, "vip_subnet": "32", "port": "6443", "vip_arp": "true",
            "cp_enable": "true", "cp_namespace": "kube-system", "vip_leaderelection": "true", "vip_nodename": node,
            "vip_leasename": "plndr-cp-lock", "prometheus_server": ":2112", **LEASE,
            "k8s_config_file": str(self.world.kubeconfig),
        }  # fmt: skip
        self.running[node] = self.world.start(node, [self._program, "manager"], environment, f"{node}.log")

    def has_address(self, node: str) -> bool:
        return f"{VIP}/32" in self.world.call(node, "ip", "-4", "address", "show", "eth0")

    def holders(self) -> list[str]:
        return [node for node in NODES if self.has_address(node)]

    def holder(self) -> str:
        until("one node has the address", lambda: len(self.holders()) == 1, TAKEOVER_TRIES)
        return self.holders()[0]

    def end(self) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                process.wait(20)


@pytest.fixture
def candidates(surroundings: World, programs: dict[str, Path]) -> Iterator[Candidates]:
    """Both are running and one has the address; all are gone afterwards, and so is the lease."""
    both = Candidates(surroundings, programs["standin-kube-vip"])
    for node in NODES:
        both.start(node)
    try:
        both.holder()
        yield both
    finally:
        both.end()
        for node in NODES:
            surroundings.plug(node, True)
        until("nobody has the address", lambda: not both.holders(), 20)
        surroundings.kubectl("-n", "kube-system", "patch", "lease", "plndr-cp-lock", "--type=merge", "-p",
                             '{"spec": {"holderIdentity": ""}}')  # fmt: skip


def other(node: str) -> str:
    return NODES[1 - NODES.index(node)]


def mac_of(world: World, node: str) -> str:
    return str(json.loads(world.call(node, "ip", "-json", "link", "show", "eth0"))[0]["address"])


def test_one_node_has_the_address_and_the_lease_says_which(candidates: Candidates) -> None:
    holder = candidates.holder()
    lease = candidates.world.kubectl("-n", "kube-system", "get", "lease", "plndr-cp-lock")
    assert lease["spec"]["holderIdentity"] == holder
    assert lease["spec"]["leaseDurationSeconds"] == 5
    assert lease["metadata"]["labels"]["lab.detectviz.io/standin"] == "kube-vip"


def test_neighbours_learn_the_address_without_asking(candidates: Candidates) -> None:
    world, holder = candidates.world, candidates.holder()
    mac = mac_of(world, holder)
    assert world.succeeds("core", "ping", "-c1", "-W2", VIP)
    assert mac in world.call("core", "ip", "neighbour", "show", VIP)
    candidates.running[holder].terminate()
    candidates.running[holder].wait(20)
    until("the other took over", lambda: candidates.holders() == [other(holder)], TAKEOVER_TRIES)
    new = mac_of(world, other(holder))
    until("the neighbour was told", lambda: new in world.call("core", "ip", "neighbour", "show", VIP), 10)


def test_a_holder_that_is_told_to_end_gives_the_address_away_at_once(candidates: Candidates) -> None:
    holder = candidates.holder()
    candidates.running[holder].terminate()
    assert candidates.running[holder].wait(20) == 0
    assert not candidates.has_address(holder)
    until("the other took over", lambda: candidates.holders() == [other(holder)], TAKEOVER_TRIES)


def test_a_killed_holder_is_replaced_and_cleans_up_when_it_is_started_again(candidates: Candidates) -> None:
    holder = candidates.holder()
    candidates.running[holder].kill()
    candidates.running[holder].wait(20)
    assert candidates.has_address(holder), "nobody can take it away from a process that was killed"
    seconds = until("the other took over", lambda: candidates.has_address(other(holder)), TAKEOVER_TRIES)
    print(f"stand-in: {seconds:.1f} s from kill -9 to the address on the other node")
    candidates.start(holder)
    until("only one has it", lambda: candidates.holders() == [other(holder)], 25)


def test_a_holder_that_is_cut_off_gives_the_address_up_by_itself(candidates: Candidates) -> None:
    holder = candidates.holder()
    candidates.world.plug(holder, False)
    seconds = until("the other took over", lambda: candidates.has_address(other(holder)), TAKEOVER_TRIES)
    both = until("the former holder gave it up", lambda: candidates.holders() == [other(holder)], TAKEOVER_TRIES)
    print(f"stand-in: cut off: {seconds:.1f} s to the other node, both had the address for {both:.1f} s")
    assert candidates.running[holder].wait(20) == 0, "as with the original, the kubelet starts it again"


def test_a_frozen_holder_gives_the_address_up_when_it_thaws(candidates: Candidates) -> None:
    holder = candidates.holder()
    candidates.running[holder].send_signal(signal.SIGSTOP)
    until("the other took over", lambda: candidates.has_address(other(holder)), TAKEOVER_TRIES)
    candidates.running[holder].send_signal(signal.SIGCONT)
    seconds = until("the former holder gave it up", lambda: candidates.holders() == [other(holder)], TAKEOVER_TRIES)
    print(f"stand-in: thawed: both had the address for {seconds:.1f} s more")


def test_metrics_tell_the_holder(candidates: Candidates) -> None:
    holder = candidates.holder()
    for node, value in {holder: "1", other(holder): "0"}.items():
        assert f"lab_standin_vip_holder {value}" in candidates.world.call(
            node, "curl", "-s", "http://127.0.0.1:2112/metrics"
        )
        assert candidates.world.call(node, "curl", "-s", "http://127.0.0.1:2112/healthz") == "OK\n"


def test_help_and_wrong_settings(programs: dict[str, Path]) -> None:
    program = str(programs["standin-kube-vip"])
    told = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    assert "NOT" in told and "BGP" in told
    wrong = subprocess.run(
        [program, "manager"], capture_output=True, text=True, env={"bgp_enable": "true"}, check=False
    )
    assert wrong.returncode == 2
    assert "vip_interface" in wrong.stderr and "bgp_enable" in wrong.stderr
    assert LABEL == "io.detectviz.lab.standin"
