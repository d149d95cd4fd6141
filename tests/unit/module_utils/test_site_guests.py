# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which guests of a site are meant by names and ids."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError
from ansible_collections.detectviz.infra.plugins.module_utils._site_guests import chosen_guests, site_guests
from ansible_collections.detectviz.infra.plugins.module_utils._vm_ownership import site_tag
from ansible_collections.detectviz.infra.plugins.module_utils._vm_reader import GuestReader


def guest(name: str, vm_id: int, owner: str = "site", in_table: bool = True) -> dict[str, Any]:
    return {"name": name, "vm_id": vm_id, "node": "pve", "state": "running", "owner": owner, "in_table": in_table,
            "reason": "another site owns it"}  # fmt: skip


# node-1 got another id in the table, so its first guest has no row.
GUESTS = [guest("node-1", 121), guest("node-2", 112, "foreign"), guest("node-3", 113, "nobody"),
          guest("node-1", 111, in_table=False), guest("old", 114, in_table=False)]  # fmt: skip
DOWN = [guest("node-1", 121), {**guest("node-2", 112, "unknown"), "reason": "it cannot be read: no answer"},
        {**guest("old", 114, "unknown", in_table=False), "reason": "it cannot be read: no answer"}]  # fmt: skip


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


@pytest.mark.parametrize(
    ("named", "chosen", "told"),
    [("all", [121], ["node-2"]), ("node-1", [121], []), ("node-1,node-2", [121], ["node-2"]), ([114], [], ["old"])],
)
def test_what_is_named_and_cannot_be_read_is_told_and_never_chosen(named: Any, chosen: list[int], told: list[str]) -> None:
    found = chosen_guests(DOWN, named)
    assert [row["vm_id"] for row in found["chosen"]] == chosen
    assert len(found["refused"]) == len(told)
    assert all(name in text and "no answer" in text for name, text in zip(told, found["refused"]))


class Cluster:
    """One node of two is down; stands for the API client."""

    def get(self, path: str, **parameters: Any) -> Any:
        if path == "cluster/resources":
            row = {"type": "qemu", "tags": site_tag("site"), "status": "unknown", "node": "pve2"}
            return [{**row, "vmid": 111, "name": "node-1", "status": "running", "node": "pve1"},
                    {**row, "vmid": 112, "name": "node-2"}, {**row, "vmid": 113, "name": "old"}]  # fmt: skip
        if "/pve2/" in path:
            raise ApiError("GET", path, 595, "No route to host")
        return []


def test_a_node_that_is_down_hides_only_its_own_guests() -> None:
    found = site_guests(GuestReader(Cluster()), "site", [{"name": "node-1", "vm_id": 111}, {"name": "node-2", "vm_id": 112}])
    assert [(row["name"], row["state"], row["in_table"]) for row in found] == [
        ("node-1", "running", True), ("node-2", "unknown", True), ("old", "unknown", False)]  # fmt: skip
    assert found[0]["owner"] != "unknown" and "No route to host" not in found[0]["reason"]
    assert all(row["owner"] == "unknown" and "pve2" in row["reason"] and "No route to host" in row["reason"] for row in found[1:])
