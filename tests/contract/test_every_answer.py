"""Every implemented operation is used once, and what it returns is what the official description says it returns."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lab.pve.schema.model import Schema
from tests.contract import coverage, walk
from tests.contract.independent_schema import problems, returns_of

pytestmark = pytest.mark.emulator_only("it changes users, network and storages of the whole host")

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
    wrong = {text for key, data in walked.seen for text in departures(returns, key, data)}
    assert wrong == set()


def departures(returns: dict[coverage.Key, dict[str, Any]], key: coverage.Key, data: Any) -> list[str]:
    """Where an answer is not what the description says, beside what is known of Proxmox VE."""
    operation = " ".join(key)
    return [f"{operation}: {place}: {text}" for place, text in problems(returns[key], data)
            if re.sub(r"^\d+\.", "*.", place) not in AS_THE_HOST_DOES.get(operation, {})]


# -- reading, on any host ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def release(host) -> str:
    """The release of the host, like 9.1."""
    return host.call("GET", "/version").json()["data"]["release"]


@pytest.fixture(scope="module")
def described(release) -> Schema:
    """The description of the host's release; where there is none here, that of the nearest one."""
    return Schema.load(release if release in coverage.VERSIONS else nearest(release))


def nearest(release: str) -> str:
    """The release with a description here that is next to this one."""
    later = [version for version in coverage.VERSIONS if order(version) >= order(release)]
    return later[0] if later else coverage.VERSIONS[-1]


def order(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


@pytest.mark.real
def test_the_release_is_one_that_the_emulator_plays(release):
    assert release in coverage.VERSIONS


def named(reading: tuple[str, dict[str, Any]]) -> str:
    path, query = reading
    return path + "?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else path or "/"


@pytest.mark.real
@pytest.mark.parametrize("reading", walk.HOST_READINGS, ids=named)
def test_what_is_read_of_a_host_is_as_described(host, node, guest, described, reading):
    path, query = reading
    answer_is_as_described(host, described, path.format(node=node), query)


@pytest.mark.real
@pytest.mark.parametrize("reading", walk.GUEST_READINGS, ids=named)
def test_what_is_read_of_a_guest_is_as_described(host, guest, described, reading):
    path, query = reading
    answer_is_as_described(host, described, guest.path + path, query)


@pytest.mark.real
@pytest.mark.parametrize("path", ["", "/log", "/status"])
def test_what_is_read_of_a_task_is_as_described(host, node, guest, described, path):
    answer_is_as_described(host, described, f"/nodes/{node}/tasks/{guest.upid}{path}", {})


@pytest.mark.real
@pytest.mark.parametrize("path", ["status", "content"])
def test_what_is_read_of_a_storage_is_as_described(host, node, storage, described, path):
    answer_is_as_described(host, described, f"/nodes/{node}/storage/{storage}/{path}", {})


def answer_is_as_described(host, described: Schema, path: str, query: dict[str, Any]) -> None:
    """Skips what the token may not read."""
    answer = host.call("GET", path, **query)
    if answer.status_code == 403:
        pytest.skip(answer.reason)
    assert answer.ok, answer.text
    key = ("GET", described.route(path)[0])
    found = departures(returns_of(described.version), key, answer.json()["data"])
    assert found == [], f"not as the description of {described.version} says"


@pytest.mark.emulator_only("pure: no host is asked")
@pytest.mark.parametrize(("release", "version"), [("8.4", "9.1"), ("9.0", "9.1"), ("9.1", "9.1"), ("9.2", "9.2"),
                                                  ("10.0", "9.2")])
def test_a_release_without_a_description_is_judged_by_the_nearest(release, version):
    assert nearest(release) == version
