# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site that asks for a cluster is not accepted without one: what the playbook says where there is no kubeconfig."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.plays import ROOT, run, starter


def accept(folder: Path, *words: str) -> tuple[int, str]:
    """The acceptance of the starter site, of P2 alone."""
    return run(folder, starter(folder), ROOT / "playbooks/acceptance.yml", "--tags", "p2", *words)


def test_a_missing_kubeconfig_fails_and_names_the_file_and_the_way_out(tmp_path: Path) -> None:
    code, said = accept(tmp_path)
    missing = tmp_path / ".state/my-site/kubeconfig"
    assert code != 0, said
    assert f"There is no {missing}: run playbooks/p2_kubernetes.yml" in said and "1 of 1 checks missed" in said, said
    assert "SSH answers" not in said, "no node is looked at for a cluster that is not there"
    (row,) = json.loads((missing.parent / "reports/cluster.json").read_text(encoding="utf-8"))
    assert (row["check"], row["verdict"]) == ("API", "MISS") and str(missing) in row["found"]


@pytest.mark.parametrize("words", [("--check",), ("-e", "cluster_view_required=false")], ids=["check", "not required"])
def test_a_cluster_that_need_not_be_there_yet_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    code, said = accept(tmp_path, *words)
    assert code == 0 and "The cluster is planned, not inspected: There is no" in said, said
    assert not list(tmp_path.glob(".state/*/reports/*"))
