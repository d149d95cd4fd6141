"""What the emulator answers, and that it says so of the rest."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.pve.process import ROOT
from lab.pve.schema.model import Schema
from tests.contract import coverage

pytestmark = pytest.mark.emulator_only("it is about what the emulator answers and leaves out")

README = ROOT / "lab" / "pve" / "README.md"


@pytest.fixture(scope="module", params=coverage.VERSIONS)
def schema(request) -> Schema:
    return Schema.load(request.param)


@pytest.fixture(scope="module")
def release(make_pve, schema):
    """An emulator of that release that does not make anyone wait."""
    return make_pve(pve_version=schema.version, time_scale=0.0)


@pytest.fixture(scope="module")
def ask(release) -> Callable[[str, str], tuple[int, str]]:
    """(status, reason) of a request on a connection of its own: every error closes it."""
    context = ssl.create_default_context(cafile=release.connection["ca_path"])
    headers = {"Authorization": release.session().headers["Authorization"]}

    def ask(method: str, path: str) -> tuple[int, str]:
        connection = http.client.HTTPSConnection(release.connection["host"], release.connection["port"],
                                                 context=context, timeout=30)
        try:
            connection.request(method, f"/api2/json{path}", headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.reason
        finally:
            connection.close()

    return ask


def test_what_is_not_answered_is_a_501_and_never_made_up(ask, schema):
    missing, wrong = list(coverage.unanswered(schema)), []
    for operation in missing:
        path = coverage.example_path(operation.path)
        answer = ask(operation.method, path)
        if answer != (501, f"Method '{operation.method} {path}' not implemented"):
            wrong.append((operation.method, operation.path, answer))
    print(f"Proxmox VE {schema.version}: {len(coverage.behaving(schema))} operations and "
          f"{len(coverage.indexes(schema))} indexes of {len(schema.operations)}; {len(missing)} answer 501")
    assert not wrong


def test_a_path_that_proxmox_ve_does_not_have_is_a_501(ask):
    for method, path in (("GET", "/nothing"), ("POST", "/version"), ("DELETE", "/nodes/pve/qemu"),
                         ("GET", "/nodes/pve/x/y")):
        assert ask(method, path) == (501, f"Method '{method} {path}' not implemented")


def test_the_readme_tells_the_true_figures(schema):
    """`| 9.2 | 675 | 119 | 52 | 504 |`: release, operations, behaving, indexes, 501."""
    figures = (len(schema.operations), len(coverage.behaving(schema)), len(coverage.indexes(schema)),
               len(schema.operations) - len(coverage.answered(schema)))
    assert f"| {schema.version} | {' | '.join(map(str, figures))} |" in README.read_text(encoding="utf-8")


def test_other_documents_quote_the_same_figure():
    schema = Schema.load("9.2")
    figure = len(coverage.behaving(schema))
    documents = [ROOT / "README.md", *Path(ROOT / "docs").rglob("*.md")]
    pattern = re.compile(rf"(\d+) of (?:the |its )?{len(schema.operations)}")
    quoted = {(str(path), int(found[1])) for path in documents
              for found in pattern.finditer(path.read_text(encoding="utf-8"))}
    assert {path for path, number in quoted if number != figure} == set()
