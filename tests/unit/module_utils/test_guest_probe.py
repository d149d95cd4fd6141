# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as lost on a path between machines."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._guest_probe import probe, run_pings

JUMBO = {"address": "192.0.2.1", "mtu": 9000, "count": 5}


def test_a_name_that_nobody_can_ask_for_has_no_address() -> None:
    names = ["a..b", "ü" * 64]
    seen = probe(lambda _command: (127, ""), names, None, [], [], 0)
    assert seen["resolved"] == dict.fromkeys(names, [])


class Path:
    """Answers to pings of full size in turn, and to small ones always or never; keeps how many were asked."""

    def __init__(self, *received: int, small: bool = True) -> None:
        self.received = list(received)
        self.small = small
        self.asked = 0

    def __call__(self, command: list[str]) -> tuple[int, str]:
        if "-s" not in command:
            return 0, ""
        sent = int(command[command.index("-c") + 1])
        if int(command[command.index("-s") + 1]) < 1000:
            return 0, f"{sent} packets transmitted, {sent if self.small else 0} received"
        self.asked += 1
        return 0, f"{sent} packets transmitted, {self.received.pop(0)} received"


def test_a_path_that_loses_nothing_is_asked_once() -> None:
    path = Path(5)
    assert run_pings(path, [JUMBO]) == [{**JUMBO, "sent": 5, "received": 5, "small": None}]
    assert path.asked == 1


def test_packets_that_were_lost_beside_other_pings_are_asked_for_again_alone() -> None:
    for first in (0, 3):
        assert run_pings(Path(first, 5), [JUMBO]) == [{**JUMBO, "sent": 5, "received": 5, "small": None}]


def test_a_path_that_loses_the_second_time_too_has_lost() -> None:
    assert run_pings(Path(4, 2), [JUMBO]) == [{**JUMBO, "sent": 5, "received": 2, "small": None}]


def test_a_path_too_narrow_for_the_packets_is_told_from_one_that_is_not_there() -> None:
    assert run_pings(Path(0, 0), [JUMBO])[0]["small"] is True
    nobody = Path(0, small=False)
    assert run_pings(nobody, [JUMBO])[0]["small"] is False
    assert nobody.asked == 1
