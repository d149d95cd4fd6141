"""For all tests: hypothesis judges what comes out, never how long a loaded machine takes for it; what is left out is told."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Names of tests that a tier leaves out, for the runner. What the options of a suite leave out is another run's."""
    path = os.environ.get("DETECTVIZ_LEFT_OUT")
    if path:
        with open(path, "a", encoding="utf-8") as names:
            names.writelines(f"{item.nodeid.partition('[')[0]}\n" for item in items if item.get_closest_marker("long"))
