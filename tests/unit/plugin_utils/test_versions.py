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


def told(on: datetime.date, version: str | None, allowed: bool = False) -> tuple[list[str], list[str]]:
    """Problems and warnings."""
    site = {"allow_unsupported_versions": allowed, **({KEY: version} if version else {})}
    problems, warnings = Problems(), []
    check_versions(site, Place("site.yml"), problems, warnings, on)
    return [str(item) for item in problems], warnings


@pytest.mark.parametrize("version", [DEFAULTS[KEY], *SUPPORTED[KEY]])
def test_the_end_of_what_is_installed_is_known(version: str) -> None:
    assert END_OF_LIFE[minor(version) or ""]
    assert minor(DEFAULTS[KEY]) in SUPPORTED[KEY]


@pytest.mark.parametrize("version", SUPPORTED[KEY])
def test_a_version_goes_from_good_to_warned_of_to_refused(version: str) -> None:
    end = datetime.date.fromisoformat(END_OF_LIFE[version])
    assert told(end - (SOON + 1) * DAY, version) == ([], [])
    for day in (end - SOON * DAY, end):
        problems, (warning,) = told(day, f"v{version}.3")
        assert problems == [] and f"is maintained until {end} ({(end - day).days} more days)" in warning
    (problem,), warnings = told(end + DAY, version)
    assert f"{version} is past its end of life, {end}" in problem and warnings == []


def test_a_version_that_has_ended_is_never_advised() -> None:
    (problem,), _warnings = told(datetime.date(2027, 3, 1), "1.35")
    assert "write 1.36, or set allow_unsupported_versions: true" in problem
    (problem,), _warnings = told(datetime.date(2030, 1, 1), "1.36")
    assert "use a newer release of this collection, or set allow_unsupported_versions: true" in problem


@pytest.mark.parametrize("version", ["1.34", "1.99"])
def test_what_is_allowed_in_words_is_a_warning(version: str) -> None:
    problems, (warning,) = told(datetime.date(2026, 11, 1), version, allowed=True)
    assert problems == [] and f"{KEY} {version} is" in warning and "you allowed it" in warning


def test_a_version_that_is_not_installed_here_is_unknown_whatever_its_end() -> None:
    (problem,), _warnings = told(datetime.date(2026, 1, 1), "1.34")
    assert "1.34 is unknown to this release" in problem


def test_the_default_is_warned_of_and_not_refused() -> None:
    """A site that does not name a version, such as one without a cluster, goes on."""
    end = datetime.date.fromisoformat(END_OF_LIFE[minor(DEFAULTS[KEY]) or ""])
    for day in (end, end + DAY):
        problems, (warning,) = told(day, None)
        assert problems == [] and "the default of this release" in warning and str(end) in warning
    assert told(end - 100 * DAY, None) == ([], [])


@given(st.dates(datetime.date(2025, 1, 1), datetime.date(2030, 1, 1)), st.sampled_from(SUPPORTED[KEY]))
def test_a_version_is_refused_exactly_when_it_has_ended(day: datetime.date, version: str) -> None:
    problems, warnings = told(day, version)
    assert bool(problems) == (days_maintained(version, day) < 0)
    assert not (problems and warnings)
