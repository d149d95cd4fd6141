"""Every implemented operation is used once, and what it returns is what the official description says it returns."""

from __future__ import annotations

import re

import pytest

from lab.pve.schema.model import Schema
from tests.contract import coverage, walk
from tests.contract.independent_schema import problems, returns_of

# Where Proxmox VE itself departs from its description: the emulator follows the host. {operation: {place: why}}
AS_THE_HOST_DOES = {
    "GET /cluster/nextid": {"data": "the id is sent as text"},
    "POST /access/users/{userid}/token/{tokenid}": {
        "info.privsep": "what was stored is sent, as text", "info.expire": "what was stored is sent, as text"},
    "GET /nodes/{node}/qemu/{vmid}/pending": {
        "*.value": "numbers of the configuration stay numbers",
        "*.pending": "numbers of the configuration stay numbers"},
}


@pytest.fixture(scope="module", params=coverage.VERSIONS)
def schema(request) -> Schema:
    return Schema.load(request.param)


@pytest.fixture(scope="module")
def walked(schema, make_pve, tmp_path_factory) -> walk.Walker:
    pve = make_pve(pve_version=schema.version, with_template=True, nodes=2, time_scale=0.01)
    walker = walk.Walker(pve, schema)
    walk.everything(walker, schema, tmp_path_factory.mktemp("files"))
    return walker


def test_every_implemented_operation_was_answered(walked, schema):
    used = {key for key, _data in walked.seen}
    expected = coverage.answered(schema)
    assert expected - used == set()
    assert used - expected == set()
    print(f"Proxmox VE {schema.version}: {len(used)} of {len(schema.operations)} operations answered, "
          f"{len(walked.seen)} answers validated")


def test_answers_are_what_the_description_says(walked, schema):
    returns = returns_of(schema.version)
    wrong = {f"{method} {path}: {place}: {text}" for (method, path), data in walked.seen
             for place, text in problems(returns[(method, path)], data)
             if re.sub(r"^\d+\.", "*.", place) not in AS_THE_HOST_DOES.get(f"{method} {path}", {})}
    assert wrong == set()
