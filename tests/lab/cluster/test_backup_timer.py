"""Backups that are made by themselves: the timer on the control machine, and what acceptance says of their age."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.cluster.cluster import Cluster
from tests.lab.test_site import changes

pytestmark = [pytest.mark.timeout(2700), pytest.mark.long]

NAME = "detectviz-backup-detectviz"
PLAY = "playbooks/backup_timer.yml"
# A machine with systemd; the machine of the tests need not have been booted with it.
ON_A_MACHINE = [
    {
        "hosts": "app-worker",
        "become": True,
        "gather_facts": False,
        "vars": {"backup_timer_command": ["/usr/bin/touch", "/root/100% $HOME made"], "backup_timer_directory": "/root"},
        "roles": ["detectviz.infra.backup_timer"],
    }
]


def backup_row(cluster: Cluster) -> dict[str, Any]:
    return next(row for row in cluster.report() if row["check"] == "backup of etcd")


def test_what_the_timer_starts_makes_a_backup(cluster: Cluster, tmp_path: Path) -> None:
    only_written = ["-e", f"backup_timer_folder={tmp_path}", "-e", "backup_timer_enabled=false"]
    assert changes(cluster.play(PLAY, "--check", *only_written))["localhost"] > 0
    cluster.play(PLAY, *only_written)
    assert set(changes(cluster.play(PLAY, *only_written)).values()) == {0}
    cluster.lab.run("systemd-analyze", "verify", str(tmp_path / f"{NAME}.timer"))
    lines = [line.partition("=") for line in (tmp_path / f"{NAME}.service").read_text().splitlines()]
    settings = [word for name, _, value in lines if name == "Environment" for word in shlex.split(value)]
    command = next(shlex.split(value) for name, _, value in lines if name == "ExecStart")
    folder = next(value for name, _, value in lines if name == "WorkingDirectory")
    before = cluster.backups()
    # Without the variables of the one who made the timer, as systemd would; the lab alone is entered first.
    keep = [f"{name}={cluster.lab.environment[name]}" for name in ("PATH", "HOME") if name in cluster.lab.environment]
    cluster.lab("exec", "--", "env", "-i", "-C", folder, *keep, *settings, *command)
    assert len(cluster.backups()) == len(before) + 1


def test_systemd_runs_the_timer(cluster: Cluster, tmp_path: Path) -> None:
    play = tmp_path / "timer.yml"
    play.write_text(yaml.safe_dump(ON_A_MACHINE))
    assert changes(cluster.play(str(play), "--check"))["app-worker"] == 1
    cluster.play(str(play))
    assert set(changes(cluster.play(str(play))).values()) == {0}
    timer = "systemctl is-active {0}.timer; systemctl is-enabled {0}.timer; systemctl show --value -p NextElapseUSecRealtime {0}.timer"
    active, enabled, following = cluster.on("app-worker", timer.format(NAME)).splitlines()
    assert (active, enabled) == ("active", "enabled") and "03:17:00" in following
    cluster.on("app-worker", f"systemctl start {NAME}.service && rm '/root/100% $HOME made'")
    cluster.play(str(play), "-e", "backup_timer_state=absent")
    assert cluster.on("app-worker", f"systemctl is-active {NAME}.timer; ls /etc/systemd/system | grep {NAME} || true") == "inactive"


def test_acceptance_misses_a_backup_that_is_too_old(cluster: Cluster) -> None:
    wanted = json.dumps({"etcd_backup": {"max_age_hours": 26}})
    cluster.play("playbooks/backup.yml")
    cluster.play("playbooks/acceptance.yml", "-e", wanted, "--tags", "p2")
    assert backup_row(cluster)["verdict"] == "ok"
    newest = cluster.backups()[-1]
    aside = {path: path.rename(cluster.lab.folder / path.name) for path in cluster.backups()}
    old = newest.with_name("detectviz-20260101T000000Z.etcd.cms")
    note = Path(f"{old}.json")
    for path in (old, note):
        path.touch()
    try:
        assert "at most 26 hours old" in cluster.refused("playbooks/acceptance.yml", "-e", wanted, "--tags", "p2")
        assert backup_row(cluster)["verdict"] == "MISS"
    finally:
        old.unlink()
        note.unlink()
        for path, moved in aside.items():
            moved.rename(path)
