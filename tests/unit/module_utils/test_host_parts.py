# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host preparation in a plan: only parts that the site asks for, and none that was not looked at is passed over."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._host_parts import host_part_steps

SEEN = {
    "pve1": {"host_dns_result": {"changes": ["install dnsmasq"]}, "host_sysctls_result": {"changes": []}},
    "pve2": {"host_dns_result": {"changes": []}},
}


def test_changes_name_their_host_and_parts_without_a_result_are_unseen() -> None:
    told = host_part_steps(["pve1", "pve2"], SEEN, {"dns": True, "sysctls": True})
    assert told == {"steps": ["pve1: install dnsmasq"], "unseen": ["pve2: sysctls"]}


def test_parts_that_are_not_asked_for_are_neither_planned_nor_unseen() -> None:
    assert host_part_steps(["pve1", "pve2"], SEEN, {"dns": False}) == {"steps": [], "unseen": []}
    assert host_part_steps(["pve1"], {"pve1": {}}, None) == {"steps": [], "unseen": []}
