"""--limit without localhost leaves out the check of the site and its lock; then nothing is done on any other host."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.plays import ROOT, run, starter

GUARD = "tasks/site_checked.yml"
UPGRADED = "{{ (hostvars['localhost'].kubernetes_upgrade_plan | default({})).order | default([]) }}"
WITHIN = {"k8s_cluster": ["masters", "workers", UPGRADED]}
PLAYBOOKS = {
    path: [play for play in yaml.safe_load(path.read_text(encoding="utf-8")) if play.get("hosts", "localhost") != "localhost"]
    for path in sorted((ROOT / "playbooks").glob("*.yml"))
}


@pytest.mark.parametrize("path", [path for path, plays in PLAYBOOKS.items() if plays], ids=lambda path: path.stem)
def test_the_first_play_on_other_hosts_asks_whether_the_site_was_checked(path: Path) -> None:
    guarded: set[str] = set()
    for play in PLAYBOOKS[path]:
        if play["hosts"] in guarded:
            continue
        first: dict[str, Any] = (play.get("pre_tasks") or play["tasks"])[0]
        assert first.get("ansible.builtin.import_tasks") == GUARD, play["name"]
        guarded |= {play["hosts"], *WITHIN.get(play["hosts"], [])}
    assert "register: site_checked" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("playbook", "host", "words"),
    [
        ("p1_machines", "proxmox", []),
        ("acceptance_p1", "machines", []),
        ("p2_kubernetes", "k8s_cluster", []),
        ("p2_nodes", "workers", []),
        ("remove_node", "workers", ["-e", "remove=workers"]),
        ("renew_certificates", "masters", []),
    ],
)
def test_without_localhost_the_run_says_so_and_connects_to_nobody(tmp_path: Path, playbook: str, host: str, words: list[str]) -> None:
    code, said = run(tmp_path, starter(tmp_path), ROOT / f"playbooks/{playbook}.yml", "--limit", host, *words)
    # ansible-core 2.18 quotes the message as YAML does.
    said = said.replace("''", "'")
    assert code != 0 and f"Add it: --limit '{host},localhost'" in said, said
    assert "unreachable=0" in said and not re.search("unreachable=[1-9]|ok=[1-9]", said), said


@pytest.mark.parametrize("playbook", ["backup", "p2_kubernetes", "remove_node", "replace_node", "restore", "upgrade"])
def test_a_playbook_that_asks_the_whole_cluster_takes_no_part_of_it_for_lost(tmp_path: Path, playbook: str) -> None:
    site = starter(tmp_path)
    code, said = run(tmp_path, site, ROOT / f"playbooks/{playbook}.yml", "--limit", "workers,localhost")
    assert code != 0 and "--limit leaves out node-1" in said and "run it without --limit" in said, said
    assert "unreachable=0" in said and not re.search("unreachable=[1-9]", said), said
