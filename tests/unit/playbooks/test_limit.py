"""--limit without localhost leaves out the check of the site and its lock; then nothing is done on any other host."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
GUARD = "tasks/site_checked.yml"
WITHIN = {"k8s_cluster": ["masters", "workers", "masters:workers"]}
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
    site = tmp_path / "site"
    shutil.copytree(ROOT / "inventory/starter", site)
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(site / "site.node_table.yml"), "--limit", host, *words]
    done = subprocess.run(
        [*command, str(ROOT / f"playbooks/{playbook}.yml")],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_SSH_EXTRA_ARGS": "-o ProxyCommand=false"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # ansible-core 2.18 quotes the message as YAML does.
    said = " ".join(done.stdout.replace("''", "'").split())
    assert done.returncode != 0 and f"Add it: --limit '{host},localhost'" in said, said
    assert "unreachable=0" in said and not re.search("unreachable=[1-9]|ok=[1-9]", said), said
