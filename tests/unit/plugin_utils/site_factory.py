"""Small sites for tests (tests/site_shapes.py), loaded and checked by the collection."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.load import Site, load_site
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import SiteError

from tests.site_shapes import HOSTS, SITE, Shape, cluster, flat, machine, site, write

__all__ = ["HOSTS", "SITE", "Shape", "cluster", "flat", "load", "load_site", "machine", "problems_of", "site", "write"]


TODAY = datetime.date(2026, 11, 1)
"""As of when versions are judged."""


def load(folder: Path, tables: str = "tables/machines.yml") -> Site:
    return load_site([tables], ["group_vars/all/site.yml"], folder, today=TODAY)


def problems_of(folder: Path, machines: Any, data: Any = None) -> list[str]:
    """The texts of every problem of a site; none if it is right."""
    write(folder, machines, data)
    try:
        load(folder)
    except SiteError as error:
        return [str(problem) for problem in error.problems]
    return []
