"""Whose guest agent is waited for: machines that P1 has found there, as a killed run may have started them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plays import play, tasks_of

P1 = {"machines_result": {"guests": [{"name": "old", "changed": False}, {"name": "new", "changed": True}]}}


@pytest.mark.parametrize(
    ("known", "words", "awaited"),
    [
        (P1, [], ["old"]),
        (P1, ["--check"], []),
        (P1, ["-e", "machine_checks_over_ssh=false"], []),
        ({"machines_result": {"failed": True}}, [], []),
        ({}, [], []),
    ],
    ids=["P1", "check", "no SSH", "failed", "acceptance alone"],
)
def test_only_p1_waits(tmp_path: Path, known: dict[str, Any], words: list[str], awaited: list[str]) -> None:
    variables = {**tasks_of("roles/machine_trust/defaults/main.yml"), **known}
    shown = {"ansible.builtin.debug": {"msg": "{{ machine_trust_wait_for | to_json }} for {{ machine_trust_timeout }}"}}
    code, said = play(tmp_path, [shown], {"localhost": variables}, *words)
    assert code == 0 and f"{json.dumps(awaited)} for 900" in said.replace("\\", ""), said
