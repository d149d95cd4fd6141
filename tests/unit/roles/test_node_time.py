"""What the role node_time takes a clock's offset for, out of what was asked and what came back."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
import yaml

ROLE = Path(__file__).resolve().parents[3] / "roles/node_time"
ASKED = 1_000_000.0


def offset(ahead: float, took: float) -> float:
    """Of a clock that is ``ahead``, read at the end of the seconds that the answer ``took``."""
    expression = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__node_time_offset"]
    clock = ASKED + took + ahead
    state = {"clock": clock, "offset": clock - ASKED}
    return float(jinja2.Environment().from_string(expression).render(__node_time_state=state, node_time_control=ASKED + took))


@pytest.mark.parametrize("ahead", [-3600.0, -31.0, 31.0, 3600.0])
def test_a_clock_that_is_off_is_seen(ahead: float) -> None:
    assert offset(ahead, took=0) == ahead
    assert abs(offset(ahead, took=0.9)) > 30


@pytest.mark.parametrize("ahead", [-1.0, 0.0, 1.0])
def test_a_clock_that_is_right_is_so_however_long_its_answer_took(ahead: float) -> None:
    assert abs(offset(ahead, took=48)) <= 1
