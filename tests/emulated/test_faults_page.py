"""The page of faults names tests that exist."""

from __future__ import annotations

import re

from lab.pve.process import ROOT

PAGE = (ROOT / "docs" / "docsite" / "faults.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_of_faults_names_exists() -> None:
    functions, files = set(), set()
    for path in (path for suite in ("emulated", "lab", "unit") for path in (ROOT / "tests" / suite).rglob("test_*.py")):
        files.add(path.name)
        functions.update(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"\btest_\w+\.py", PAGE)) <= files
    named = set(re.findall(r"\b(test_\w+)\b(?!\.py)", PAGE))
    assert named and named <= functions, named - functions


def test_every_row_of_the_tables_of_faults_names_a_test() -> None:
    rows, of_faults = [], False
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "fault":
            of_faults = True
        elif not line:
            of_faults = False
        elif of_faults and not cells[0].startswith("---"):
            rows.append(cells)
    assert len(rows) > 35
    assert [row[0] for row in rows if len(row) != 4 or not re.search(r"test_|…\]|as above", row[3])] == []
