# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeats the check of the node table at the start of a phase, whatever Ansible made of the inventory."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.detectviz.infra.plugins.plugin_utils.missing import missing_connection, next_steps
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems, SiteError
from ansible_collections.detectviz.infra.plugins.plugin_utils.site_data import FEEDS_DERIVED, schema
from ansible_collections.detectviz.infra.plugins.plugin_utils.source import SUFFIX, find_sources, read_source

_OVERRIDDEN = "write it into the site data, or list its file under site: of the source"


class ActionModule(ActionBase):
    """Runs on the controller alone."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _spec, arguments = self.validate_argument_spec(
            argument_spec={
                "sources": {"type": "list", "elements": "path"},
                "require_complete": {"type": "bool", "default": False},
                "require_maintained": {"type": "bool", "default": False},
            }
        )
        try:
            return self._check(arguments, task_vars)
        except SiteError as error:
            return {
                "failed": True,
                "changed": False,
                "msg": error.text(),
                "problems": [problem.as_dict() for problem in error.problems],
            }
        except ImportError as error:
            return {"failed": True, "changed": False, "msg": f"{error}; install it with pip install jsonschema"}

    def _check(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        sources, require_complete = arguments["sources"], arguments["require_complete"]
        path = _one_source(sources or task_vars.get("ansible_inventory_sources") or [])
        source = read_source(path)
        site = source.load()
        overrides = self._overrides(site.data, task_vars)
        _refuse_shadowed(overrides, path)
        if overrides:
            site = source.load(overrides)
        if not sources:
            _compare_inventory(site.as_dict(), task_vars.get("groups") or {}, path)
        site.missing += self._unreadable_keys(site.origin, task_vars)
        missing = site.missing + missing_connection(os.environ, task_vars)
        ended = site.derived["version_ended"] if arguments["require_maintained"] else None
        return {
            "changed": False,
            "failed": bool((require_complete and site.missing) or ended),
            "msg": ended or _message(site.machines, site.missing if require_complete else []),
            "site": site.data["site_name"],
            "machines": [machine["name"] for machine in site.machines],
            "containers": [machine["name"] for machine in site.machines if machine["kind"] == "lxc"],
            "missing": missing,
            "next_steps": next_steps(str(path), missing, site.machines),
            "survives": site.derived["survives"],
            "warnings": site.derived["warnings"],
        }

    def _overrides(self, data: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Site keys for which this run has another value than the files: from -e or from other group_vars."""
        found = {}
        for key in schema()["properties"]:
            if key not in task_vars:
                continue
            try:
                value = json.loads(json.dumps(self._templar.template(task_vars[key])))
            except (AnsibleError, TypeError, ValueError):
                continue  # a template that only a later phase can evaluate
            if value != json.loads(json.dumps(data.get(key), default=str)):
                found[key] = value
        return found

    def _unreadable_keys(self, origin: dict[str, str], task_vars: dict[str, Any]) -> list[str]:
        """SSH keys that no phase will get, such as those of a file that is not there."""
        defaults = task_vars.get("guest_defaults")
        keys = defaults.get("ssh_keys") if isinstance(defaults, dict) else None
        found = []
        for column, key in _entries("guest_defaults.ssh_keys", keys):
            try:
                self._templar.template(key)
            except AnsibleError as error:
                why = " ".join(str(error).split())
                found.append(f"{origin.get('guest_defaults', 'site data')}, {column}: cannot be read: {why}")
        return found


def _entries(column: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, list):
        return [(f"{column}[{number}]", item) for number, item in enumerate(value)]
    return [(column, value)]


def _one_source(names: list[str]) -> Path:
    sources = find_sources(names)
    problems, place = Problems(), Place("inventory")
    if not sources:
        given = ", ".join(names) or "none"
        problems.add(place, given, f"holds no file that ends in {SUFFIX}", "give the site's with -i")
    elif len(sources) > 1:
        given = ", ".join(map(str, sources))
        problems.add(place, given, "are several sites", "run one site at a time")
    problems.stop_if_any()
    return sources[0]


def _refuse_shadowed(overrides: dict[str, Any], path: Path) -> None:
    problems = Problems()
    for key in overrides:
        if key in FEEDS_DERIVED:
            problems.add(
                Place(str(path), column=key), None, "has another value in this run than in the site data", _OVERRIDDEN
            )
    problems.stop_if_any()


def _compare_inventory(site: dict[str, Any], groups: dict[str, Any], path: Path) -> None:
    """The hosts of this run must be those of the table: no fewer, and none that the table does not have."""
    wanted = {machine["name"] for machine in site["machines"]}
    present = set(groups.get("machines") or [])
    if wanted != present:
        problems = Problems()
        problems.add(
            Place(str(path)),
            None,
            f"has {len(wanted)} machines, the inventory of this run {len(present)} "
            f"(different: {', '.join(sorted(wanted ^ present)[:5])})",
            "see the warnings above about the inventory, and start the run again",
        )
        problems.stop_if_any()


def _message(machines: list[dict[str, Any]], lacking: list[str]) -> str:
    if lacking:
        return "\n".join(["The site is right but not complete:", *(f"  - {item}" for item in lacking)])
    return f"The site passed every check: {len(machines)} machine{'' if len(machines) == 1 else 's'}."
