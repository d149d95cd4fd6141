"""How long a virtual address is away, and how long two nodes answer for it, out of what `vip_watch` has seen."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations

from tests.lab.cluster.cluster import Cluster
from tests.lab.conftest import CHECKOUT

VIP, BRIDGE = "192.168.0.10", "vmbr0"
TOGETHER = 0.35
"""Seconds between two answers of one node, asked every 0.1 s, that still count as one stretch."""
CALM_SECONDS = 3.0
LOOK_SECONDS = 9.0
"""At least as long as a lease (5 s) and what a busy machine needs beside it: a fault without effect is looked at so long."""


@dataclass
class Seen:
    """What has been seen so far, in the order of its time."""

    api: list[dict[str, object]] = field(default_factory=list)
    arp: list[tuple[float, str]] = field(default_factory=list)

    def between(self, begin: float, end: float) -> Seen:
        return Seen(
            [probe for probe in self.api if begin <= probe["asked"] < end],
            [(at, mac) for at, mac in self.arp if begin <= at < end],
        )

    def silent(self) -> float:
        """Seconds from the first question that got no good answer to the first good answer after the last such one."""
        bad = [probe["asked"] for probe in self.api if not probe["ok"]]
        if not bad:
            return 0.0
        good = [probe["answered"] for probe in self.api if probe["ok"] and probe["asked"] > bad[-1]]
        assert good, "the API does not answer again"
        return min(good) - bad[0]

    def twice(self) -> float:
        """Seconds in which more than one node answered for the address."""
        stretches = {mac: list(_stretches(at for at, who in self.arp if who == mac)) for _at, mac in self.arp}
        return sum(
            max(0.0, min(end, other_end) - max(begin, other_begin))
            for one, other in combinations(stretches.values(), 2)
            for begin, end in one
            for other_begin, other_end in other
        )

    def holders(self, since: float) -> set[str]:
        return {mac for at, mac in self.arp if at >= since}

    def calm(self, since: float) -> bool:
        """Whether the API answered every question since then, and one node alone had the address."""
        asked = [probe["ok"] for probe in self.api if probe["answered"] >= since]
        return bool(asked) and all(asked) and len(self.holders(since)) == 1


def _stretches(times: Iterator[float]) -> Iterator[tuple[float, float]]:
    begin = last = None
    for at in times:
        if last is not None and at - last > TOGETHER:
            yield begin, last
            begin = None
        begin, last = at if begin is None else begin, at
    if begin is not None:
        yield begin, last


class Watch:
    """A running `vip_watch` in a lab."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.seen = Seen()
        self._process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            found = json.loads(line)
            if found["kind"] == "api":
                self.seen.api.append(found)
            else:
                self.seen.arp.append((found["at"], found["mac"]))

    def until_calm(self, least: float = CALM_SECONDS, patience: float = 120) -> None:
        """The address has been where it is for a while, and the API answered there. `least`: seconds to look at it."""
        begin = time.monotonic()
        while time.monotonic() - begin < least or not self.seen.calm(time.monotonic() - CALM_SECONDS):
            assert self._process.poll() is None, "the watch has ended"
            assert time.monotonic() - begin < patience, f"no calm after {patience} s: {self.seen.api[-3:]}"
            time.sleep(0.2)

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)
        self._reader.join(30)
        self.seen.api.sort(key=lambda probe: probe["asked"])
        self.seen.arp.sort()


KEEP_MAC = f"ip link set {BRIDGE} address $(ip -br link show {BRIDGE} | awk '{{print $3}}')"
"""Proxmox's bridge has the MAC of its card. One without a card changes it with its ports, which would be measured too."""


@contextmanager
def watch(cluster: Cluster) -> Iterator[Watch]:
    cluster.lab("exec", "--", "sh", "-c", KEEP_MAC)
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", "--name", cluster.lab.name, "exec", "--", sys.executable, "-m",
         "tests.lab.cluster.vip_watch", str(cluster.state / "kubeconfig"), VIP, BRIDGE],
        cwd=CHECKOUT, env=cluster.lab.environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    running = Watch(process)
    try:
        running.until_calm()
        yield running
    finally:
        running.end()


@dataclass(frozen=True)
class Failover:
    """Seconds: the API away after the fault and after the mend, and two nodes with the address from fault to calm."""

    away: float
    away_at_mend: float
    twice: float
    moved: bool


def measure(cluster: Cluster, fault: Callable[[str], None], mend: Callable[[str], None]) -> Failover:
    """One fault of the node that has the address, and its mend, watched from outside."""
    with watch(cluster) as watched:
        lost, before = cluster.holder(), watched.seen.holders(time.monotonic() - 1)
        begin = time.monotonic()
        try:
            fault(lost)
            watched.until_calm(LOOK_SECONDS)
        finally:
            mended = time.monotonic()
            mend(lost)
        watched.until_calm(LOOK_SECONDS)
        after = watched.seen.holders(time.monotonic() - 1)
        end = time.monotonic()
    first, second = watched.seen.between(begin, mended), watched.seen.between(mended, end)
    return Failover(first.silent(), second.silent(), watched.seen.between(begin, end).twice(), before != after)


def told(way: str, found: Sequence[Failover]) -> str:
    """A line for people."""
    def spread(values: list[float]) -> str:
        return f"{min(values):.1f} / {statistics.median(values):.1f} / {max(values):.1f}"

    return (
        f"{way:<28} {len(found):>4}  {spread([one.away for one in found]):>18}  {spread([one.twice for one in found]):>18}  "
        f"{spread([one.away_at_mend for one in found]):>18}  {sum(one.moved for one in found):>5}"
    )


HEAD = (
    "How the virtual address came through faults of its holder: kube-vip's STAND-IN in the lab, seconds, min / median / max\n"
    f"{'fault of the holder':<28} {'runs':>4}  {'API away':>18}  {'two answer by ARP':>18}  {'away at the mend':>18}  moved"
)
