"""proxmox_vm_clone when the host itself dies in the middle of a clone, and when it cannot be reached at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.pve.process import Emulator
from tests.emulated.clone_runs import Site, row
from tests.emulated.waiting import until


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Site]:
    """A site on an emulator that the test may kill; its time is the real one, so that a full clone takes a while."""
    emulator = Emulator.start(tmp_path / "pve", with_template=True, time_scale=1)
    yield Site(emulator, tmp_path / "site", "mortal")
    emulator.stop()


def test_a_clone_that_a_power_cut_left_is_reported_with_the_way_out(mortal: Site) -> None:
    run = mortal.start([row(100)], full=True, timeout=20)
    until(lambda: (mortal.config(100) or {}).get("lock") == "clone", "the clone", run)
    mortal.pve.kill()
    output, _errors = run.communicate(timeout=300)
    assert json.loads(output)["failed"]
    mortal.pve.run()
    refused = mortal.run([row(100)])
    assert refused.failed and "`qm unlock 100 && qm destroy 100`" in refused.message
    assert refused.writes() == {}


def test_a_host_that_is_not_there_is_told_with_what_to_look_at(mortal: Site) -> None:
    run = mortal.start([row(100)], api_port=1)
    output, _errors = run.communicate(timeout=300)
    assert "127.0.0.1:1 cannot be reached" in json.loads(output)["msg"]


def test_a_certificate_of_another_is_refused_before_anything_is_sent(mortal: Site) -> None:
    refused = mortal.run([row(100)], api_fingerprint="00" * 32)
    assert refused.failed and "shows another certificate than api_fingerprint says" in refused.message
    assert refused.requests["total"] == 0


def test_a_wrong_secret_is_told_with_what_to_check(mortal: Site) -> None:
    refused = mortal.run([row(100)], api_token_secret="00000000-0000-0000-0000-000000000000")
    assert refused.failed and "answered 401" in refused.message and "Check api_user" in refused.message
