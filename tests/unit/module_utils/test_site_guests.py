# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which guests of a site are meant by names and ids."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._site_guests import chosen_guests


def guest(name: str, vm_id: int, owner: str = "site", in_table: bool = True) -> dict[str, Any]:
    return {"name": name, "vm_id": vm_id, "node": "pve", "state": "running", "owner": owner, "in_table": in_table,
            "reason": "another site owns it"}  # fmt: skip


# node-1 got another id in the table, so its first guest has no row.
GUESTS = [guest("node-1", 121), guest("node-2", 112, "foreign"), guest("node-3", 113, "nobody"),
          guest("node-1", 111, in_table=False), guest("old", 114, in_table=False)]  # fmt: skip


@pytest.mark.parametrize(
    ("named", "chosen", "refused"),
    [
        ([], [], []),
        ("all", [121], []),
        (["node-1"], [121], []),
        ("node-1", [121], []),
        ("node-1, 111,old", [121, 111, 114], []),
        ("node", [], ["node is no guest of the site"]),
        ([111], [111], []),
        (111, [111], []),
        (7, [], ["7 is no guest of the site"]),
        (["111", "old", "old"], [111, 114], []),
        (["node-3"], [], []),
        (["node-2"], [], ["node-2 is foreign: another site owns it"]),
        ([112, "no"], [], ["112 is foreign: another site owns it", "no is no guest of the site"]),
    ],
)
def test_names_and_ids_choose(named: Any, chosen: list[int], refused: list[str]) -> None:
    found = chosen_guests(GUESTS, named)
    assert [row["vm_id"] for row in found["chosen"]] == chosen
    assert found["refused"] == refused
