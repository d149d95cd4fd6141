# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role: its defaults and its argument specification hold the same options, with the same values."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).resolve().parents[3] / "roles").iterdir() if path.is_dir())


def load(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path.exists() else {}


def specification(role: Path) -> dict:
    return load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"].get("options", {})


def is_template(value: object) -> bool:
    return "{{" in str(value) or "{%" in str(value)


@pytest.fixture(params=ROLES, ids=lambda path: path.name)
def role(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_the_same_options(role: Path) -> None:
    required = {name for name, option in specification(role).items() if option.get("required")}
    assert set(specification(role)) - required == set(load(role / "defaults" / "main.yml"))


def test_the_same_values(role: Path) -> None:
    """A default that is computed from the site is told in words, not as a value."""
    defaults = load(role / "defaults" / "main.yml")
    for name, option in specification(role).items():
        if name in defaults and is_template(defaults[name]):
            assert "default" not in option, f"{name} is computed: describe it in words"
        elif name in defaults:
            assert option.get("default") == defaults[name], name


def test_public_options_start_with_the_roles_name(role: Path) -> None:
    assert [name for name in specification(role) if not name.startswith(role.name + "_")] == []


def test_every_option_is_described(role: Path) -> None:
    assert [name for name, option in specification(role).items() if not option.get("description")] == []


def test_it_has_a_readme(role: Path) -> None:
    assert (role / "README.md").read_text(encoding="utf-8").startswith(f"# {role.name}\n")
