"""What a set of guests costs in requests, whatever the size of the set: budgets of issue and documentation, in counts.

Playbooks are run as users run them. Times are not judged here; `bin/bench` measures them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.pve.process import ROOT, Emulator
from lab.pve.profiles import load_profile
from tests.bench import guests as work
from tests.bench.runs import Cost, play

PREFLIGHT_PER_NODE = 8
PER_GUEST = 5
SCALE = 0.05


@dataclass
class Made:
    """A set that was created, and everything to run the same playbook again."""

    pve: Emulator
    folder: Path
    rows: list[dict[str, Any]]
    cost: Cost

    def again(self, verify: str) -> Cost:
        return _run(self.pve, self.folder, self.rows, verify)


def _run(pve: Emulator, folder: Path, rows: list[dict[str, Any]], verify: str) -> Cost:
    return play(pve, folder, "ours.yml", {**work.variables(rows, folder), "verify": verify})


@pytest.fixture(scope="module", params=[4, 50])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp(f"cost-{request.param}")
    profile = load_profile("lvmthin")
    rows = work.guests(request.param, profile)
    with Emulator.start(folder / "pve", profile=profile.name, time_scale=SCALE, with_template=True) as pve:
        yield Made(pve, folder, rows, _run(pve, folder, rows, "full"))


def test_creating_takes_at_most_five_requests_per_guest(made: Made) -> None:
    count = len(made.rows)
    assert made.cost.changed == count
    assert made.cost.work <= PER_GUEST * count + 1 + 1 + PREFLIGHT_PER_NODE, made.cost


def test_creating_polls_about_once_a_second(made: Made) -> None:
    """The first polls come faster, and a run looks once more when it starts the guests."""
    assert made.cost.polls <= 5 + 1.5 * made.cost.seconds, made.cost


def test_an_agent_that_is_not_up_is_asked_every_three_seconds(made: Made) -> None:
    assert made.cost.failed_probes <= 1 + made.cost.seconds / 3, made.cost


def test_nothing_to_do_costs_one_list_and_one_read_per_guest(made: Made) -> None:
    cost = made.again("full")
    assert (cost.changed, cost.requests) == (0, 1 + len(made.rows))


def test_verify_fast_costs_one_request(made: Made) -> None:
    cost = made.again("fast")
    assert (cost.changed, cost.requests) == (0, 1)


def test_the_limit_counts_every_volume_that_a_guest_gets(made: Made) -> None:
    vm_id = made.rows[0]["vm_id"]
    content = made.pve.api().nodes(work.NODE).storage("local-lvm").content.get()
    volumes = [entry["volid"] for entry in content if f":vm-{vm_id}-" in entry["volid"]]
    assert len(volumes) == work.CLONED + work.ALLOCATED + 1, volumes  # and the data disk


@pytest.mark.long
def test_bench_prints_its_table(tmp_path: Path) -> None:
    """The quick one, so that the program does not rot."""
    file = tmp_path / "bench.md"
    command = [sys.executable, "-m", "tests.bench", "--quick", "--output", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    table = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert all("emulated, lvmthin, scale 0.1" in line for line in table if "create" in line or "no change" in line)
    assert any(line.startswith("| no change: reported as changed | 4 | 0 | 4 |") for line in table), table
