# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology page shows everything, escapes everything and loads nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from ansible_collections.detectviz.infra.plugins.module_utils._topology import UNPLACED, draw_hosts
from ansible_collections.detectviz.infra.plugins.module_utils._topology_page import render_topology_page
from hypothesis import given
from hypothesis import strategies as st

VOID = {"meta"}

SITE = {
    "site_name": "example",
    "proxmox_hosts": [{"name": "pve1", "address": "192.0.2.2"}],
    "networks": {
        "vmbr0": {"cidr": "192.0.2.0/24", "gateway": "192.0.2.1", "mtu": 1500},
        "vmbr1": {"cidr": "10.0.0.0/24"},
    },
    "vip": {"address": "192.0.2.10", "name": "api.example.net", "network": "vmbr0"},
}


def guest(name: str, vm_id: int = 101, node: str | None = "pve1", **more: object) -> dict:
    nics = [
        {"name": "eth0", "bridge": "vmbr0", "addresses": ["192.0.2.11/24"], "mtu": 1500},
        {"name": "eth1", "bridge": "vmbr1", "addresses": ["10.0.0.11/24"]},
    ]
    return {"name": name, "vm_id": vm_id, "pve_node": node, "networks": nics, "state": "running"} | more


class Balance(HTMLParser):
    """Fails on a tag that is closed in the wrong order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        """A tag such as <line/> opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def text_of(page: str) -> str:
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    return parser.text


def test_every_guest_address_bridge_and_the_vip_are_on_the_page() -> None:
    text = text_of(render_topology_page(SITE, [guest("node-1"), guest("node-2", 102, state="planned")]))
    for expected in (
        "node-1",
        "node-2",
        "192.0.2.11/24",
        "10.0.0.11/24",
        "vmbr0",
        "vmbr1",
        "192.0.2.10",
        "api.example.net",
    ):
        assert expected in text
    assert "● running" in text
    assert "○ planned" in text


def test_the_page_loads_nothing() -> None:
    page = render_topology_page(SITE, [guest("node-1")])
    assert not re.search(r"https?://|url\(|<script|<link|\bsrc=|\bhref=|@import", page)


def test_a_guest_on_an_undescribed_host_is_still_drawn() -> None:
    hosts = draw_hosts(SITE["proxmox_hosts"], [guest("a", node="pve9"), guest("b", node=None)])
    assert [host.name for host in hosts] == ["pve1", "pve9", UNPLACED]


def test_cards_of_one_host_do_not_overlap() -> None:
    (host,) = draw_hosts(SITE["proxmox_hosts"], [guest(f"n{index}", index) for index in range(1, 30)])
    for above, below in zip(host.cards, host.cards[1:]):
        assert above.y + above.height < below.y
    assert host.cards[-1].y + host.cards[-1].height < host.height


def test_a_port_leads_to_the_line_of_its_bridge() -> None:
    (host,) = draw_hosts(SITE["proxmox_hosts"], [guest("a")], ["vmbr1", "vmbr0"])
    assert host.bridges == ["vmbr1", "vmbr0"]
    assert [host.bridges[port.bus] for port in host.cards[0].ports] == ["vmbr0", "vmbr1"]


def test_networks_on_one_bridge_share_its_line() -> None:
    networks = {
        "lan": {"cidr": "192.0.2.0/24", "bridge": "vmbr0"},
        "dmz": {"cidr": "10.0.0.0/24", "bridge": "vmbr0", "vlan_tag": 20},
    }
    row = guest("a", networks=[{"name": "eth0", "bridge": "vmbr0", "vlan_tag": 20, "addresses": ["10.0.0.5/24"]}])
    page = render_topology_page(SITE | {"networks": networks}, [row])
    assert page.count('class="busname') == 1
    for expected in ("lan", "dmz", "VLAN 20"):
        assert expected in text_of(page)


@given(name=st.text(), state=st.text(), address=st.text(), bridge=st.text(min_size=1))
def test_any_text_is_shown_as_text(name: str, state: str, address: str, bridge: str) -> None:
    row = guest(name, state=state, networks=[{"name": "eth0", "bridge": bridge, "addresses": [address]}])
    text_of(render_topology_page(SITE, [row]))
