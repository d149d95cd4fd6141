"""Emulators for contract tests: one per module, or as many as a test makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.pve.process import Emulator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pve-version", default="9.2", choices=["9.1", "9.2"], help="release that the emulator plays")


@pytest.fixture(scope="module")
def make_pve(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Emulator]]:
    """Starts emulators; options are those of `python -m lab pve`. All answers are checked against the schema."""
    started: list[Emulator] = []

    def make(folder: Path | None = None, **options: Any) -> Emulator:
        options = {"pve_version": request.config.getoption("--pve-version"), "strict": True, **options}
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
