# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When nothing can be asked of a cluster that is there: one question, for the phase and for a node that leaves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.plays import ROOT, play

ASKED = {
    "name": "Asked",
    "ansible.builtin.include_vars": {"file": str(ROOT / "playbooks/vars/kubeconfig.yml")},
}
TOLD = {"name": "Told", "ansible.builtin.debug": {"msg": "{{ inventory_hostname }}: {{ 'to come' if kubeconfig_to_come else 'asked' }}"}}


@pytest.mark.parametrize(("words", "without"), [((), "asked"), (("--check",), "to come")], ids=["real", "check"])
def test_only_a_check_run_goes_without_a_kubeconfig(tmp_path: Path, words: tuple[str, ...], without: str) -> None:
    (tmp_path / "kubeconfig").touch()
    hosts = {"with": {"state_dir": str(tmp_path)}, "without": {"state_dir": str(tmp_path / "none")}}
    code, said = play(tmp_path, [ASKED, TOLD], hosts, *words)
    assert code == 0 and "with: asked" in said and f"without: {without}" in said, said


def test_no_playbook_asks_for_the_file_by_itself() -> None:
    found = [path.name for path in ROOT.glob("playbooks/**/*.yml") if re.search(r"kubeconfig\W+is not exists", path.read_text())]
    assert found == ["kubeconfig.yml"]
