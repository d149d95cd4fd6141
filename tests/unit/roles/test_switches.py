"""`-e name=false` is a text, and a text that is not empty counts as true: whatever judges a role's switch asks `| bool`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.plays import play, tasks_of

ROOT = Path(__file__).resolve().parents[3]
# Those of the site's data that a role's option does not have its name from.
OF_THE_SITE = {"allow_standins"}
CONDITIONS = {"when", "that", "failed_when", "changed_when", "until"}
TEMPLATE = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
FILES = sorted(
    path
    for pattern in ("roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "roles/*/vars/*.yml", "roles/*/defaults/*.yml",
                    "playbooks/*.yml", "playbooks/tasks/*.yml", "playbooks/vars/*.yml")
    for path in ROOT.glob(pattern)
)  # fmt: skip


def switches() -> set[str]:
    """Every option of a role that is true or false."""
    specs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    options = [entry.get("options") or {} for spec in specs for entry in spec["argument_specs"].values()]
    return OF_THE_SITE | {name for group in options for name, option in group.items() if option.get("type") == "bool"}


USE = re.compile(
    rf"(?<![\w.])({'|'.join(sorted(switches()))})\b(?!\s*=)"
    r"(?P<then>\s*(\|\s*default\([^)]*\)\s*)?(\|\s*bool\b|is (not )?defined)?)"
)
PASSED_ON = re.compile(r"\s*\w+\s*(\|\s*default\([^)]*\)\s*)?")


def expressions(value: Any, key: str = "") -> Iterator[tuple[str, bool]]:
    """(expression, whether it only passes a value on to an option, which has a type of its own)."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from expressions(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item, key)
    elif isinstance(value, str):
        if key in CONDITIONS and "{{" not in value:
            yield value, False
        for found in TEMPLATE.finditer(value):
            inner = found.group(1) or found.group(2)
            yield inner, found.group() == value and bool(PASSED_ON.fullmatch(inner)) and key not in CONDITIONS


def bare(path: Path) -> list[str]:
    """Switches that are judged as they are. What is passed on from a role's vars goes to a filter or a template."""
    to_filters = path.parent.name == "vars"
    found = []
    for expression, passed_on in expressions(yaml.safe_load(path.read_text(encoding="utf-8"))):
        for use in USE.finditer(QUOTED.sub("''", expression)):
            if not use["then"].rstrip().endswith(("bool", "defined")) and (to_filters or not passed_on):
                found.append(f"{use[1]} in: {' '.join(expression.split())}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_switch_is_judged_as_a_text(path: Path) -> None:
    assert not bare(path)


def test_the_search_finds_what_it_is_for(tmp_path: Path) -> None:
    tasks = [
        {"when": "host_dns_install", "debug": {"msg": "-e host_dns_install=false"}},
        {"when": ["x or not host_dns_install", "host_dns_install | bool"], "option": "{{ host_dns_install }}"},
        {"msg": "{{ 'a' if host_dns_install else 'host_dns_install' }}", "is": "{{ allow_standins | default(false) | bool }}"},
    ]
    (tmp_path / "main.yml").write_text(yaml.safe_dump(tasks), encoding="utf-8")
    assert len(bare(tmp_path / "main.yml")) == 3


@pytest.mark.parametrize("said", ["false", "no", "true"])
def test_forwarding_is_what_the_command_line_says(tmp_path: Path, said: str) -> None:
    variables = {**tasks_of("roles/host_sysctls/defaults/main.yml"), **tasks_of("roles/host_sysctls/vars/main.yml")}
    tasks = [{"ansible.builtin.debug": {"msg": "{{ __host_sysctls_wanted }}"}}]
    code, out = play(tmp_path, tasks, {"pve": variables}, "-e", f"host_sysctls_forwarding={said}")
    assert code == 0 and ("net.ipv4.ip_forward" in out) == (said == "true"), out
