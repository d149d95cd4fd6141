"""Whatever playbook a user starts, its first task repeats the check of the table: a run never goes on with none of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

PLAYBOOKS = sorted((Path(__file__).parents[3] / "playbooks").glob("*.yml"))


def first_play(playbook: Path) -> dict[str, Any]:
    play = yaml.safe_load(playbook.read_text(encoding="utf-8"))[0]
    imported = play.get("ansible.builtin.import_playbook")
    return first_play(playbook.parent / imported) if imported else play


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_begins_with_the_check_of_the_site(playbook: Path) -> None:
    play = first_play(playbook)
    assert play["hosts"] == "localhost", "a pattern that an empty inventory does not match is passed over in silence"
    assert "detectviz.infra.site_check" in play["tasks"][0]
    assert "when" not in play["tasks"][0]
