"""What `ip neighbour` tells of an address that was asked for."""

from __future__ import annotations

import json

from ansible_collections.detectviz.infra.plugins.module_utils._neighbours import Answer, answered, ask
from fake_clock import FakeClock

VIP, ETH = "192.0.2.10", "eth0"


def entry(state: str, address: str = VIP, device: str = ETH, mac: str | None = "52:54:00:AA:00:01") -> dict[str, object]:
    return {"dst": address, "dev": device, "state": [state], **({"lladdr": mac} if mac else {})}


def test_whoever_has_told_a_hardware_address_has_it() -> None:
    for state in ("REACHABLE", "STALE", "DELAY", "PROBE"):
        assert answered({VIP: ETH}, [entry(state)]) == ([Answer(VIP, ETH, "52:54:00:aa:00:01")], [])


def test_no_answer_yet_is_waited_for_and_none_at_all_ends_the_wait() -> None:
    assert answered({VIP: ETH}, [entry("INCOMPLETE", mac=None)]) == ([], [])
    assert answered({VIP: ETH}, [entry("FAILED", mac=None)]) == ([], [VIP])
    assert answered({VIP: ETH}, [entry("FAILED")]) == ([], [VIP]), "it was known, and does not answer any more"


def test_other_addresses_and_other_interfaces_are_no_answer() -> None:
    assert answered({VIP: ETH}, [entry("REACHABLE", address="192.0.2.11"), entry("REACHABLE", device="eth1")]) == ([], [])


def test_an_address_has_an_answer_however_it_is_written() -> None:
    """The kernel tells it in its short form."""

    def run(command: list[str]) -> tuple[int, str]:
        told = {"route": [{"dev": ETH}], "neighbour": [entry("REACHABLE", address="2001:db8::10")]}
        return 0, json.dumps(told[command[2]] if command[1] == "-json" else [])

    asked = ask(run, FakeClock(), ["2001:0DB8:0:0::10"], 1)
    assert [answer.address for answer in asked.answers] == ["2001:db8::10"]
