"""What the documentation points to exists: the tests that its tables name, and the files and headings of its links."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "roles/*/README.md", "lab/**/*.md", "tests/**/*.md", "inventory/**/*.md")
    for path in ROOT.glob(pattern)
)
# `test_name`, `file.py::test_name`, `test_name[case]`, `test_name` in `file.py`
NAMED = re.compile(
    r"`(?:(?P<file>[\w/]+\.py)(?:::|`))?(?P<test>test_\w+(?!\.py)\b)?(?:\[[^`]*)?`?(?: in `(?P<within>[\w/]+\.py)`)?"
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.M | re.S)


def known_tests() -> dict[str, set[str]]:
    """Names of test functions for the name of each file of tests, wherever it is."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "tests").rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = {node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
        found.setdefault(path.name, set()).update(names)
    return found


def named_tests(text: str) -> list[tuple[str | None, str | None]]:
    """(file, test) of every test that a page names; one of them may be left out."""
    found = []
    for match in NAMED.finditer(text):
        file = match["file"] or match["within"]
        file = Path(file).name if file else None
        if match["test"] or (file and file.startswith("test_")):
            found.append((file, match["test"]))
    return found


def headings(path: Path) -> set[str]:
    """Anchors of a page, as they are made of its headings."""
    lines = re.findall(r"^#+ +(.+?) *$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def dead_links(path: Path) -> list[str]:
    dead = []
    for target in LINK.findall(CODE.sub("", path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _sign, anchor = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in headings(file)):
            dead.append(target)
    return dead


def test_names_are_read_in_all_their_forms() -> None:
    text = "`test_a`, `test_b` in `test_x.py`, `test_y.py::test_c`, `test_z.py`, `test_d[case…]`, `tests/emulated`"
    assert named_tests(text) == [
        (None, "test_a"), ("test_x.py", "test_b"), ("test_y.py", "test_c"), ("test_z.py", None), (None, "test_d"),
    ]  # fmt: skip


@pytest.mark.parametrize("page", ["change_matrix.md", "faults.md", "faults_p2.md"])
def test_every_test_that_a_table_names_exists(page: str) -> None:
    known = known_tests()
    everywhere = set().union(*known.values())
    named = named_tests((ROOT / "docs/docsite" / page).read_text(encoding="utf-8"))
    assert len(named) > 20
    missing = [
        (file, test)
        for file, test in named
        if (file is not None and file not in known)
        or (test is not None and test not in (known.get(file, set()) if file else everywhere))
    ]
    assert missing == []


@pytest.mark.parametrize("page", ["faults.md", "faults_p2.md"])
def test_every_row_of_the_tables_of_faults_names_a_test(page: str) -> None:
    rows, of_faults = [], False
    for line in (ROOT / "docs/docsite" / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "fault":
            of_faults = True
        elif not line:
            of_faults = False
        elif of_faults and not cells[0].startswith("---"):
            rows.append(cells)
    assert len(rows) >= 35
    assert [row[0] for row in rows if len(row) != 4 or not re.search(r"test_|…\]|as above", row[3])] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert dead_links(page) == []
