"""The pages of faults name tests that exist."""

from __future__ import annotations

import re

import pytest

from lab.pve.process import ROOT

# Page and how many faults its tables have at least.
PAGES = {"faults.md": 35, "faults_p2.md": 35}


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def text(page: str) -> str:
    return (ROOT / "docs" / "docsite" / page).read_text(encoding="utf-8")


def test_every_test_that_a_page_of_faults_names_exists(page: str) -> None:
    functions, files = set(), set()
    suites = ("emulated", "lab", "unit", "api")
    for path in (path for suite in suites for path in (ROOT / "tests" / suite).rglob("test_*.py")):
        files.add(path.name)
        functions.update(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"\btest_\w+\.py", text(page))) <= files
    named = set(re.findall(r"\b(test_\w+)\b(?!\.py)", text(page)))
    assert named and named <= functions, named - functions


def test_every_row_of_the_tables_of_faults_names_a_test(page: str) -> None:
    rows, of_faults = [], False
    for line in text(page).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "fault":
            of_faults = True
        elif not line:
            of_faults = False
        elif of_faults and not cells[0].startswith("---"):
            rows.append(cells)
    assert len(rows) >= PAGES[page]
    assert [row[0] for row in rows if len(row) != 4 or not re.search(r"test_|…\]|as above", row[3])] == []
