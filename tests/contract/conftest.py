"""Emulators for contract tests: one per module, or as many as a test makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.pve.process import Emulator
from tests.contract.real_host import RealHost


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pve-version", default="9.2", choices=["9.1", "9.2"], help="release that the emulator plays")
    parser.addoption("--real", action="store_true", help="run test_qualification.py against the Proxmox VE that the "
                     "PROXMOX_* variables name: in a scratch pool, with one throwaway guest")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A real host gets only the tests that were written to be safe on it."""
    if config.getoption("--real", False):
        safe = [item for item in items if item.path.name == "test_qualification.py"]
        config.hook.pytest_deselected(items=[item for item in items if item not in safe])
        items[:] = safe


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What a real host does as the emulator does, and what it does otherwise."""
    if not config.getoption("--real", False):
        return
    terminalreporter.section("qualification report")
    for outcome, text in (("passed", "as emulated"), ("failed", "DIFFERS"), ("error", "NOT RUN")):
        for report in terminalreporter.getreports(outcome):
            if report.when == "call" or outcome == "error":
                terminalreporter.write_line(f"{text:12} {report.nodeid.rpartition('::')[2]}")
                crash = getattr(report.longrepr, "reprcrash", None)
                for line in (crash.message.splitlines() if crash else [])[:3]:
                    terminalreporter.write_line(f"{'':12} {line}")


@pytest.fixture(scope="module")
def make_pve(request: pytest.FixtureRequest,
             tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Emulator]]:
    """Starts emulators; options are those of `python -m lab pve`. All answers are checked against the schema."""
    started: list[Emulator] = []

    def make(folder: Path | None = None, **options: Any) -> Emulator:
        options = {"pve_version": request.config.getoption("--pve-version", "9.2"), "strict": True, **options}
        emulator = Emulator.start(folder or tmp_path_factory.mktemp("pve"), **options)
        started.append(emulator)
        return emulator

    yield make
    broken = []
    for emulator in started:
        broken += emulator.broken_answers()
        emulator.stop()
    assert not broken, f"answers that break the official description: {broken}"


@pytest.fixture(scope="module")
def shared_pve(make_pve: Callable[..., Emulator]) -> Emulator:
    """The module's emulator: one node, local and local-lvm, no guests."""
    return make_pve()


@pytest.fixture
def pve(shared_pve: Emulator) -> Iterator[Emulator]:
    """The module's emulator, with no fault left by another test."""
    yield shared_pve
    shared_pve.clear_faults()


@pytest.fixture(scope="module")
def host(request: pytest.FixtureRequest) -> Any:
    """A Proxmox VE as a client sees it: the emulator, or with --real the one that PROXMOX_* name."""
    if request.config.getoption("--real", False):
        return RealHost.from_environment()
    return request.getfixturevalue("shared_pve")
