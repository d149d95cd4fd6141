# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API that does not answer once is looked at a second time, and is never a failure of the role."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.unit.answers import answering
from tests.unit.plays import play

ROLE = "detectviz.infra.cluster_view"
FIRST = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/plndr-cp-lock"
"""The first question of each look, and the last one where there is no answer."""


def view(folder: Path, tasks_from: str) -> tuple[int, str, list[str]]:
    """The role's exit code and output with an API server that is away, and what that was asked."""
    with answering(503, "away") as (url, asked):
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "clusters": [{"name": "a", "cluster": {"server": url}}],
            "users": [{"name": "a", "user": {"token": "a"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        }  # fmt: skip
        (folder / "kubeconfig").write_text(yaml.safe_dump(config), encoding="utf-8")
        tasks = [
            {"name": "View", "ansible.builtin.include_role": {"name": ROLE, "tasks_from": tasks_from}},
            {"name": "Told", "ansible.builtin.debug": {"msg": "why: {{ cluster_view_reason | default('nothing') }}"}},
        ]
        code, said = play(folder, tasks, {"localhost": {"cluster_view_kubeconfig": str(folder / "kubeconfig"), "cluster_view_settle": 0}})
    return code, said, asked


def test_the_first_look_is_made_again_and_its_reason_is_kept(tmp_path: Path) -> None:
    code, said, asked = view(tmp_path, "main.yml")
    assert code == 0 and "was refused with 503: away" in said.partition("why: ")[2], said
    assert asked == [FIRST] * 2


def test_without_an_answer_at_the_second_look_the_first_counts(tmp_path: Path) -> None:
    code, said, asked = view(tmp_path, "again.yml")
    assert code == 0 and "The second look had no answer" in said and "why: nothing" in said, said
    assert asked == [FIRST]
