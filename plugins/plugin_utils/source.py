# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory source: the file ``*.node_table.yml`` that says where a site's tables and data are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.files import read_yaml
from ansible_collections.detectviz.infra.plugins.plugin_utils.load import Site, load_site
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems

SUFFIX = ".node_table.yml"
DEFAULT_SITE = "group_vars/all/site.yml"
PLUGIN = "detectviz.infra.node_table"


@dataclass(frozen=True)
class Source:
    """The files of a site, relative to ``base``, the folder of the source."""

    base: Path
    tables: tuple[str, ...]
    site_files: tuple[str, ...] = (DEFAULT_SITE,)

    def load(self, overrides: dict[str, Any] | None = None) -> Site:
        """Read and check everything. Raises SiteError with every problem."""
        return load_site(self.tables, self.site_files, self.base, overrides)

    def digest(self) -> str:
        """Changes whenever a file does, so that nothing cached outlives an edit."""
        digest = hashlib.sha256()
        for name in (*self.tables, *self.site_files):
            path = self.base / Path(name).expanduser()
            try:
                content = path.read_bytes()
            except OSError:
                content = b"unreadable"
            digest.update(f"{path}:{len(content)}:".encode("utf-8", "surrogateescape") + content)
        return digest.hexdigest()


def read_source(path: Path) -> Source:
    """The source in the file ``path``. Raises SiteError when it is none."""
    problems, place = Problems(), Place(str(path))
    loaded = read_yaml(path, place, problems)
    problems.stop_if_any()
    config = loaded[0] if loaded else None
    if not isinstance(config, dict) or config.get("plugin") not in (PLUGIN, "node_table"):
        problems.add(place.at("plugin"), None, "names no node table", f"write plugin: {PLUGIN}")
        problems.stop_if_any()
    tables = _names(config, "path", (), place, problems)
    site_files = _names(config, "site", (DEFAULT_SITE,), place, problems)
    if not tables:
        problems.add(place.at("path"), None, "is missing", "name one or more tables, such as tables/machines.yml")
    problems.stop_if_any()
    return Source(path.absolute().parent, tables, site_files)


def find_sources(names: Iterable[str]) -> list[Path]:
    """The node tables among inventory sources; a folder stands for those inside it."""
    found = []
    for name in names:
        path = Path(name).expanduser()
        if "," in name:
            continue
        if path.is_dir():
            found += sorted(path.glob(f"*{SUFFIX}"))
        elif name.endswith(SUFFIX):
            found.append(path)
    return found


def _names(config: Any, key: str, default: tuple[str, ...], place: Place, problems: Problems) -> tuple[str, ...]:
    value = config.get(key)
    if value is None:
        return default
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) and name for name in names):
        problems.add(place.at(key), value, "is not a path", "write one path, or a list of paths")
        return default
    return tuple(names)
