"""What users write without thinking, and what somebody writes who means harm: odd values, files and folders."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.emulated.clone_runs import Site, row

KEYS = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1x+/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "
    'jane "o\'brien" <j@x.org> + 100% ü',
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ+/== two  blanks\r\n",
]


def test_keys_descriptions_and_tags_of_any_kind_arrive_whole_and_stay_unchanged(site: Site, first_id: int) -> None:
    text = "erste Zeile ü 機\n\n  <script>alert(1)</script> 100% #x {{ nope }}\n* list\n\ttab  \n"
    guests = [row(first_id, description=text, tags=["PROD", "Web_1", "prod"])]
    made = site.run(guests, state="present", cloud_init={"ssh_keys": KEYS})
    assert not made.failed, made.message
    config = site.config(first_id)
    assert unquote(config["sshkeys"]).splitlines() == [key.strip() for key in KEYS]
    assert config["description"].startswith(text.strip()) and "prod;web_1" in config["tags"]
    again = site.run(guests, state="present", cloud_init={"ssh_keys": KEYS})
    assert not again.changed and again.writes() == {}


def test_all_wrong_values_are_told_at_once_and_nothing_is_sent(site: Site, first_id: int) -> None:
    guests = [
        row(first_id, name="nöde", cpu_type="host,flags=+aes"),
        row(10**15, name="huge"),
        row(first_id + 1, tags=["dvz-site-other"], description="detectviz.infra: site=other guest=1"),
        row(first_id + 2, networks=["vmbr0"], user="a\nruncmd: [reboot]"),
    ]
    refused = site.run(guests)
    assert refused.failed and refused.requests["total"] == 0
    assert refused.message.count("\n  - ") == 7, refused.message


@pytest.mark.parametrize("name", ["my site", "../../etc", "a;b"])
def test_a_site_name_that_is_no_tag_is_refused(site: Site, first_id: int, name: str) -> None:
    refused = site.run([row(first_id)], site_name=name)
    assert refused.failed and f"site_name {name!r} is not" in refused.message and refused.requests["total"] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "is not a plan"), ('{"format": 1, "gue', "is not a plan"), ("null", "has another format"),
     ('{"format": 1}', "the saved plan is for site None")],
)  # fmt: skip
def test_a_broken_plan_file_is_refused(site: Site, first_id: int, text: str, message: str) -> None:
    site.folder.mkdir(exist_ok=True)
    plan = site.folder / "plan.json"
    plan.write_text(text, encoding="utf-8")
    refused = site.run([row(first_id)], plan_file=str(plan))
    assert refused.failed and message in refused.message and refused.writes() == {}


def test_places_that_cannot_be_written_are_named(site: Site, first_id: int) -> None:
    """/proc takes no files, from root either."""
    refused = site.run([row(first_id)], state_dir="/proc/nowhere")
    assert (
        refused.failed and "the lock /proc/nowhere/run.lock" in refused.message and "set state_dir" in refused.message
    )
    assert refused.requests["total"] == 0
    planned = site.run([row(first_id)], check=True, plan_file="/proc/nowhere/plan.json")
    assert planned.failed and "plan file /proc/nowhere/plan.json cannot be written" in planned.message
    folder = site.run([row(first_id)], plan_file=str(site.folder))
    assert folder.failed and "cannot be read: Is a directory" in folder.message
    assert not site.run([row(first_id)], check=True, state_dir="/proc/nowhere").failed, "a check run needs no lock"


def test_a_lock_file_and_a_draft_that_a_dead_run_left_are_no_obstacle(
    site: Site, first_id: int, tmp_path: Path
) -> None:
    state = site.folder / "state"
    state.mkdir()
    (state / "run.lock").write_text("process 1 on elsewhere, since 2001-01-01 00:00:00", encoding="utf-8")
    (tmp_path / "plan.json.new").write_text('{"half', encoding="utf-8")
    saved = site.run([row(first_id)], check=True, state="present", plan_file=str(tmp_path / "plan.json"))
    assert not saved.failed and not (tmp_path / "plan.json.new").exists()
    made = site.run([row(first_id)], state="present", plan_file=str(tmp_path / "plan.json"))
    assert not made.failed, made.message


def test_a_folder_that_nobody_may_write_does_not_stop_those_who_follow(site: Site, first_id: int) -> None:
    assert not site.run([row(first_id)], state="present", progress_file="/proc/nowhere/progress").failed
