"""How long an API did not answer, from its answers."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._api_watch import summary, watch
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.fake_clock import FakeClock


def answers(goods: list[bool]) -> list[tuple[float, float, bool]]:
    clock, left = FakeClock(), list(goods)
    return watch(lambda: left.pop(0), lambda: bool(left), clock, 0.5, 3600)


def test_an_outage_is_from_the_last_good_answer_to_the_next() -> None:
    found = summary(answers([True, True, False, False, True, False, True]))
    assert [item["seconds"] for item in found["outages"]] == [1.5, 1.0]
    assert (found["longest"], found["sum"], found["asked"]) == (1.5, 2.5, 7)


def test_an_outage_that_has_not_ended_counts() -> None:
    assert summary(answers([True, False, False]))["sum"] == 1.0


def test_nothing_asked_is_no_outage() -> None:
    assert summary([]) == {"outages": [], "longest": 0.0, "sum": 0.0, "asked": 0, "seconds": 0.0}


def test_the_watch_ends_at_its_limit() -> None:
    assert len(watch(lambda: True, lambda: True, FakeClock(), 1, 10)) == 10


@given(st.lists(st.booleans()))
def test_there_is_an_outage_if_and_only_if_an_answer_was_missing(goods: list[bool]) -> None:
    found = summary(answers(goods))
    assert bool(found["outages"]) == (False in goods)
    assert found["sum"] <= found["seconds"] + 0.1
