"""An emulator per test module, with the template 9000, and a site per test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.pve.process import Emulator
from tests.emulated.clone_runs import Site
from tests.emulated.outside import Outside, assert_only_own_moved

_IDS = itertools.count(200, 10)


@pytest.fixture(scope="module")
def pve_with_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One node, local and local-lvm, and the template 9000."""
    emulator = Emulator.start(tmp_path_factory.mktemp("pve"), with_template=True, strict=True)
    yield emulator
    broken = emulator.broken_answers()
    emulator.stop()
    assert not broken, f"answers that break the official description: {broken}"


@pytest.fixture
def new_ids() -> Callable[[], int]:
    """Guest ids that no other test uses, in tens."""
    return lambda: next(_IDS)


@pytest.fixture
def first_id(new_ids: Callable[[], int]) -> int:
    """The first of ten guest ids that no other test uses."""
    return new_ids()


@pytest.fixture
def site(pve_with_template: Emulator, tmp_path: Path, first_id: int) -> Iterator[Site]:
    """A site of its own on the module's emulator; no fault outlives the test.

    Whatever the test does, nobody else's guest may change, no name may be there twice and no volume be left over.
    """
    before = Outside.of(pve_with_template)
    yield Site(pve_with_template, tmp_path, f"site{first_id}")
    pve_with_template.clear_faults()
    assert_only_own_moved(before, Outside.of(pve_with_template), range(first_id, first_id + 10))
