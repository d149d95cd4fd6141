"""What is wrong with a node is told by name before anything is changed.

Where a lab's guest cannot have a fault of its own (swap, the clock), what it reads about it is replaced.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.cluster.cluster import Cluster

pytestmark = [pytest.mark.long, pytest.mark.timeout(2700)]
P2 = ("site.yml", "--tags", "p2")


def told(said: str) -> str:
    """What a run said, without the places where YAML breaks its lines."""
    return " ".join(said.split())


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


def test_a_package_of_another_version_stops_the_run(cluster: Cluster) -> None:
    other = "/^Package: kubelet$/,/^$/s/^Version: .*/Version: 1.35.9-1.1/"
    with edited(cluster, "app-worker", "/var/lib/dpkg/status", other):
        said = told(cluster.refused(*P2))
    assert "app-worker has kubelet 1.35.9-1.1, and the site wants 1.36" in said and "upgrade playbook" in said
