"""One demo for all files of this folder: they are one story, told in the order of STORY."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cluster.cluster import Cluster
from tests.lab.cluster.failover import HEAD, Failover, told
from tests.lab.conftest import LAB_NAME, LabCommand
from tests.lab.test_safety import picture

STORY = [
    "test_demo.py", "test_guards.py", "test_failover.py", "test_faults.py", "test_restore.py", "test_backup_timer.py",
    "test_certificates.py", "test_wiped.py", "test_killed_runs.py", "test_leaving.py", "test_upgrade.py",
]  # fmt: skip
RUNNING = "DETECTVIZ_TEST_CLUSTER"
"""Name of a lab that runs already, for work on a single file: it is used as it is, and left."""


MEASURED: dict[str, list[Failover]] = {}


@dataclass(frozen=True)
class Demo:
    lab: LabCommand
    said: str
    """What the first `bin/demo` said; empty for a lab that ran already."""
    machine_before: dict[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--failovers", type=int, default=1, metavar="N", help="how often each way to lose the VIP is measured")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if MEASURED:
        terminalreporter.section("failovers")
        terminalreporter.write_line("\n".join([HEAD, *(told(way, found) for way, found in MEASURED.items())]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(STORY)}
    items.sort(key=lambda item: place.get(item.path.name, -1))


@pytest.fixture(scope="session")
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    running = os.environ.get(RUNNING)
    if running:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
        yield Demo(LabCommand(Path(state), running, seconds=2400), "", {})
        return
    before = picture()
    lab = LabCommand(request.getfixturevalue("machine"), f"{LAB_NAME}-demo", seconds=2400)
    try:
        yield Demo(lab, lab.run("bin/demo", "--yes"), before)
    finally:
        lab("down", code=None)


@pytest.fixture(scope="session")
def cluster(demo: Demo) -> Cluster:
    return Cluster(demo.lab)


@pytest.fixture(scope="session")
def failovers() -> dict[str, list[Failover]]:
    """What was measured, by the way of the loss; the end of the run tells it."""
    return MEASURED


@pytest.fixture(scope="session")
def failover_runs(request: pytest.FixtureRequest) -> int:
    # Where a folder above was named for the run, this folder's options are not known.
    return int(request.config.getoption("--failovers", default=1))
