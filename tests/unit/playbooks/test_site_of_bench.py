"""The site of the bench passes the check of every site: nothing else reads it, but a bench that takes an hour."""

from __future__ import annotations

from pathlib import Path

from tests.bench.cluster.plain import write_site
from tests.unit.plays import ROOT, run


def test_the_plain_guests_of_the_bench(tmp_path: Path) -> None:
    code, output = run(tmp_path, write_site(tmp_path, 20), ROOT / "playbooks/validate.yml")
    assert code == 0 and "plain-20" in output, output
