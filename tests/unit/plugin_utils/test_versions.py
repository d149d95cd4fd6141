"""Versions are judged by the day of the run."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.versions import (
    DEFAULTS,
    END_OF_LIFE,
    SOON,
    SUPPORTED,
    check_versions,
    days_maintained,
    minor,
)
from hypothesis import given
from hypothesis import strategies as st

KEY = "kubernetes_version"
DAY = datetime.timedelta(days=1)


def told(on: datetime.date, version: str | None, allowed: bool = False) -> tuple[list[str], list[str], str | None]:
    """Problems, warnings, and what is told of a version that has ended where a cluster is planned."""
    site = {"allow_unsupported_versions": allowed, **({KEY: version} if version else {})}
    problems, warnings = Problems(), []
    ended = check_versions(site, Place("site.yml"), problems, warnings, on)
    return [str(item) for item in problems], warnings, ended


@pytest.mark.parametrize("version", [DEFAULTS[KEY], *SUPPORTED[KEY]])
def test_the_end_of_what_is_installed_is_known(version: str) -> None:
    assert END_OF_LIFE[minor(version) or ""]
    assert minor(DEFAULTS[KEY]) in SUPPORTED[KEY]


@pytest.mark.parametrize("version", SUPPORTED[KEY])
def test_a_version_goes_from_good_to_warned_of_to_refused_for_a_new_cluster_alone(version: str) -> None:
    end = datetime.date.fromisoformat(END_OF_LIFE[version])
    assert told(end - (SOON + 1) * DAY, version) == ([], [], None)
    for day in (end - SOON * DAY, end):
        problems, (warning,), ended = told(day, f"v{version}.3")
        assert not problems and not ended and f"is maintained until {end} ({(end - day).days} more days)" in warning
    problems, (warning,), ended = told(end + DAY, version)
    assert not problems and f"{version} is past its end of life, {end}" in warning and "upgrade.yml" in warning
    assert ended and f"{version} is past its end of life, {end}" in ended


def test_a_version_that_has_ended_is_never_advised() -> None:
    *_others, ended = told(datetime.date(2027, 3, 1), "1.35")
    assert ended and "write 1.36, or set allow_unsupported_versions: true" in ended
    *_others, ended = told(datetime.date(2030, 1, 1), "1.36")
    assert ended and "use a newer release of this collection, or set allow_unsupported_versions: true" in ended


@pytest.mark.parametrize(("version", "fault"), [("1.34", "past its end of life, 2026-10-27"), ("1.99", "unknown to this release")])
def test_what_this_release_cannot_install_is_refused_unless_it_is_allowed_in_words(version: str, fault: str) -> None:
    on = datetime.date(2026, 11, 1)
    (problem,), _warnings, _ended = told(on, version)
    assert f"{version} is {fault}" in problem and "write 1.36 or 1.35" in problem
    problems, warnings, ended = told(on, version, allowed=True)
    assert not problems and not ended and "you allowed it" in warnings[0]


def test_a_version_that_has_ended_and_is_allowed_in_words_is_a_warning_alone() -> None:
    problems, warnings, ended = told(datetime.date(2027, 3, 1), "1.35", allowed=True)
    assert not problems and not ended and len(warnings) == 1


def test_the_default_is_warned_of_and_not_refused() -> None:
    """A site that does not name a version, such as one without a cluster, goes on."""
    end = datetime.date.fromisoformat(END_OF_LIFE[minor(DEFAULTS[KEY]) or ""])
    for day in (end, end + DAY):
        problems, (warning,), ended = told(day, None)
        assert not problems and not ended and "the default of this release" in warning and str(end) in warning
    assert told(end - 100 * DAY, None) == ([], [], None)


@given(st.dates(datetime.date(2025, 1, 1), datetime.date(2030, 1, 1)), st.sampled_from(SUPPORTED[KEY]))
def test_a_version_is_refused_exactly_when_it_has_ended_and_never_stops_what_runs(day: datetime.date, version: str) -> None:
    problems, warnings, ended = told(day, version)
    days = days_maintained(version, day)
    assert not problems and bool(ended) == (days < 0) and bool(warnings) == (days <= SOON)
