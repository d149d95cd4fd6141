# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine checks: what a guest must reach, and expected beside found."""

from __future__ import annotations

from copy import deepcopy

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._guest_probe import (
    parse_interfaces,
    parse_ping,
    ping_command,
)
from ansible_collections.detectviz.infra.plugins.module_utils._machine_report import build_report, ping_targets

NETWORKS = {"vmbr0": {"mtu": 9000}, "vmbr1": {"mtu": 1500}}
RECORDS = [
    {"name": "node-1.example.net", "type": "A", "value": "192.0.2.11"},
    {"name": "node-2.example.net", "type": "A", "value": "192.0.2.12"},
]


def row(number: int) -> dict:
    return {
        "name": f"node-{number}",
        "disks": [{"name": "system", "size_gb": 100}],
        "networks": [
            {
                "name": "eth0",
                "bridge": "vmbr0",
                "addresses": [f"192.0.2.1{number}/24"],
                "gateway": "192.0.2.1",
                "mtu": 9000,
            },
            {"name": "eth1", "bridge": "vmbr1", "addresses": [f"10.0.0.1{number}/24"]},
        ],
    }


def inspected() -> dict:
    """node-1 with a probe that meets every expectation."""
    guest = row(1)
    targets = ping_targets(guest, [row(1), row(2)], NETWORKS)
    guest["probe"] = {
        "hostname": "node-1",
        "container": False,
        "cloud_init": {"status": "done", "errors": []},
        "interfaces": {
            "eth0": {"mac": "bc:24:11:00:00:01", "mtu": 9000, "addresses": ["192.0.2.11/24"]},
            "eth1": {"mac": "bc:24:11:00:00:02", "mtu": 1500, "addresses": ["10.0.0.11/24"]},
        },
        "resolved": {"node-1.example.net": ["127.0.1.1"], "node-2.example.net": ["192.0.2.12"]},
        "served": {record["name"]: {"addresses": [record["value"]], "error": None} for record in RECORDS},
        "pings": [{**target, "sent": 5, "received": 5, "small": None} for target in targets],
        "disks": [100 << 30],
    }
    return guest


def misses(guest: dict) -> list[tuple[str, str, str]]:
    return [(miss["check"], miss["expected"], miss["found"]) for miss in build_report([guest], RECORDS)["misses"]]


def test_other_guests_the_gateway_and_the_host_are_pinged_on_their_networks() -> None:
    targets = ping_targets(row(1), [row(1), row(2)], NETWORKS, ["192.0.2.2"])
    assert [(target["address"], target["mtu"]) for target in targets] == [
        ("192.0.2.12", 9000),
        ("192.0.2.2", 9000),
        ("192.0.2.1", 9000),
        ("10.0.0.12", 1500),
    ]


def test_guests_on_another_vlan_of_the_bridge_are_not_pinged() -> None:
    other = row(2)
    other["networks"][0]["vlan_tag"] = 20
    assert "192.0.2.12" not in [target["address"] for target in ping_targets(row(1), [row(1), other], NETWORKS)]


def test_the_narrower_card_bounds_the_packet() -> None:
    other = row(2)
    other["networks"][0]["mtu"] = 1400
    assert ping_targets(row(1), [other], NETWORKS)[0]["mtu"] == 1400


def test_a_guest_by_dhcp_has_no_address_to_ping() -> None:
    other = row(2)
    other["networks"] = [{"name": "eth0", "bridge": "vmbr0", "addresses": ["dhcp"]}]
    assert [target["target"] for target in ping_targets(row(1), [other], NETWORKS)] == ["gateway"]


def test_a_guest_as_expected_has_no_miss() -> None:
    assert misses(inspected()) == []


def test_every_miss_is_told_at_once() -> None:
    guest = inspected()
    seen = guest["probe"]
    seen["hostname"] = "localhost"
    seen["cloud_init"] = {"status": "error", "errors": ["no datasource"]}
    seen["interfaces"]["eth0"]["mtu"] = 1500
    seen["interfaces"]["eth1"]["addresses"] = []
    seen["served"]["node-2.example.net"] = {"addresses": [], "error": "no such name"}
    seen["resolved"]["node-2.example.net"] = []
    seen["disks"] = [10 << 30]
    assert misses(guest) == [
        ("host name", "node-1", "localhost"),
        ("cloud-init", "done", "error; no datasource"),
        ("eth0 MTU", "9000", "1500"),
        ("eth1 address", "10.0.0.11/24", "none"),
        ("disk system (scsi0)", "100 GiB", "10 GiB"),
        ("DNS server: node-2.example.net", "192.0.2.12", "no such name"),
        ("resolver: node-2.example.net", "192.0.2.12", "not found"),
    ]


@pytest.mark.parametrize(
    ("ping", "verdict"),
    [
        ({"sent": 5, "received": 4, "small": None}, "loss 20 %"),
        ({"sent": 5, "received": 0, "small": False}, "loss 100 %"),
        (
            {"sent": 5, "received": 0, "small": True},
            "small packets pass, packets of this size do not: the path MTU is lower",
        ),
    ],
)
def test_a_lossy_or_narrow_path_is_a_miss(ping: dict, verdict: str) -> None:
    guest = inspected()
    guest["probe"]["pings"][0] |= ping
    assert [found for _check, _expected, found in misses(guest)] == [verdict]


def test_a_gateway_that_answers_no_ping_is_not_verified() -> None:
    guest = inspected()
    (gateway,) = [ping for ping in guest["probe"]["pings"] if ping["target"] == "gateway"]
    gateway |= {"received": 0, "small": False}
    report = build_report([guest], RECORDS)
    assert report["misses"] == []
    assert [row["check"] for row in report["unverified"]] == ["9000 bytes to gateway 192.0.2.1"]


def test_the_disks_of_a_container_are_not_verified() -> None:
    guest = inspected()
    guest["probe"] |= {"container": True, "disks": [None]}
    report = build_report([guest], RECORDS)
    assert report["misses"] == []
    assert len(report["unverified"]) == 1


def test_a_renamed_card_is_found_by_its_address() -> None:
    guest = inspected()
    links = guest["probe"]["interfaces"]
    links["ens18"] = links.pop("eth0")
    assert misses(guest) == []


def test_a_guest_that_was_not_reached_is_a_miss_with_its_reason() -> None:
    report = build_report([row(1) | {"reason": "port 22 is closed"}])
    assert [(miss["guest"], miss["found"]) for miss in report["misses"]] == [("node-1", "port 22 is closed")]


def test_the_text_counts_per_guest_and_shows_misses() -> None:
    good, bad = inspected(), deepcopy(inspected())
    bad["name"] = "node-3"
    lines = build_report([good, bad], RECORDS)["text"].splitlines()
    assert lines[0].split() == ["guest", "checks", "ok", "MISS", "not", "verified", "here"]
    assert lines[2].split() == ["node-1", "12", "12", "0", "0"]
    assert any(line.startswith("node-3  host name") for line in lines)


def test_ping_counts_are_read() -> None:
    text = "5 packets transmitted, 3 received, 40% packet loss, time 806ms"
    assert parse_ping(text, 5) == (5, 3)
    assert parse_ping("ping: sendmsg: Message too long", 5) == (5, 0)


def test_a_packet_has_exactly_the_size_of_the_mtu() -> None:
    assert "8972" in ping_command("192.0.2.1", 9000, 1)
    assert "1452" in ping_command("2001:db8::1", 1500, 1)


def test_loopback_and_link_local_are_left_out() -> None:
    text = """[{"ifname": "lo", "flags": ["LOOPBACK"], "mtu": 65536},
      {"ifname": "eth0", "flags": ["UP"], "mtu": 1500, "address": "aa:bb:cc:00:00:01", "addr_info": [
        {"local": "192.0.2.11", "prefixlen": 24, "scope": "global"},
        {"local": "fe80::1", "prefixlen": 64, "scope": "link"}]}]"""
    assert parse_interfaces(text) == {"eth0": {"mac": "aa:bb:cc:00:00:01", "mtu": 1500, "addresses": ["192.0.2.11/24"]}}
