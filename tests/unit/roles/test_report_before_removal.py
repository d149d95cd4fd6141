# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods of the checks that cannot be removed cost no report, and are told beside what was missed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.plays import run, starter


def report(folder: Path, probe: dict[str, Any] | None) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit code, output and rows of the report, of a cluster that did not answer and does not now."""
    tasks = [{"name": "Report", "ansible.builtin.include_role": {"name": "detectviz.infra.cluster_report"}}]
    play = {"name": "Play", "hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    variables = {
        "cluster_report_seen": {"cluster": None, "later": None, "probe": probe, "reason": "no route"},
        "cluster_report_kubeconfig": str(folder / "gone"),
        "cluster_report_file": str(folder / "reports/cluster.json"),
        "cluster_report_page": str(folder / "reports/cluster.html"),
    }
    code, said = run(folder, starter(folder), folder / "play.yml", "-e", json.dumps(variables))
    assert (folder / "reports/cluster.html").exists(), said
    return code, said, json.loads((folder / "reports/cluster.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("made", [True, False], ids=["pods that stay", "no pods"])
def test_the_report_is_there_whatever_becomes_of_the_pods(tmp_path: Path, made: bool) -> None:
    code, said, rows = report(tmp_path, {"namespace": "detectviz-acceptance-x"} if made else None)
    assert code == 2 and [row["found"] for row in rows] == ["no route"]
    told = said.rpartition("nothing of the checks is left in it")[2]
    assert "no route. 1 of 1 checks missed." in told
    assert ("The pods of the checks are still in the cluster: kubeconfig" in told) is made
    assert ("a later acceptance removes the namespace detectviz-acceptance-x." in told) is made
