"""Kubelets' requests for serving certificates are approved by every playbook that works on certificates, in one way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
CERTIFICATES = ROOT / "roles/certificates/tasks"


def roles(playbook: str) -> list[tuple[str, str]]:
    """Role and file of each include, in the order of the playbook."""
    found = []
    for play in yaml.safe_load((ROOT / "playbooks" / playbook).read_text(encoding="utf-8")):
        for task in play.get("tasks") or []:
            include = task.get("ansible.builtin.include_role")
            if include:
                found.append((include["name"].removeprefix("detectviz.infra."), include.get("tasks_from", "main.yml")))
    return found


def modules(path: Path) -> Iterator[Any]:
    for task in yaml.safe_load(path.read_text(encoding="utf-8")):
        yield from task.items()


@pytest.mark.parametrize(
    ("playbook", "part"),
    [("p2_kubernetes.yml", "main.yml"), ("renew_certificates.yml", "approve.yml"), ("upgrade.yml", "approve.yml")],
)
def test_it_approves_with_the_kubeconfig_that_it_has_just_fetched(playbook: str, part: str) -> None:
    included = roles(playbook)
    assert ("certificates", part) in included
    assert included.index(("kubeconfig", "main.yml")) < included.index(("certificates", part))


def test_there_is_one_place_that_approves() -> None:
    assert ("ansible.builtin.include_tasks", "approve.yml") in modules(CERTIFICATES / "main.yml")
    files = [path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml")]
    assert [path for path in files if "detectviz.infra.kubelet_csr:" in path.read_text(encoding="utf-8")] == [
        CERTIFICATES / "approve.yml"
    ]
