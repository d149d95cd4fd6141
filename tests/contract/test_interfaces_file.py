"""/etc/network/interfaces: what is written is read back, and what the host's own program makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.pve.network.ifreload import wanted_bridges
from lab.pve.network.interfaces import default_interfaces, normalised, parse, show

pytestmark = pytest.mark.emulator_only("pure functions of the emulator: no host is asked")

FOURTH = st.integers(1, 254)
MTU = st.none() | st.integers(1280, 65520)
LINES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)
COMMENTS = st.none() | st.lists(LINES, min_size=1, max_size=2).map(lambda lines: "".join(f"{line}\n" for line in lines))


@st.composite
def a_bridge(draw: st.DrawFn, name: str) -> dict[str, object]:
    cidr = draw(st.none() | FOURTH.map(lambda last: f"10.1.0.{last}/24"))
    return normalised({
        "iface": name, "type": "bridge", "cidr": cidr, "gateway": draw(st.none() | st.just("10.1.0.1")) if cidr else None,
        "cidr6": draw(st.none() | FOURTH.map(lambda last: f"fd00::{last:x}/64")), "mtu": draw(MTU),
        "autostart": draw(st.sampled_from((None, 1))), "comments": draw(COMMENTS),
        "bridge_ports": draw(st.sampled_from(("", "eno1"))), "bridge_vlan_aware": draw(st.sampled_from((None, 1)))})


@given(first=a_bridge("vmbr1"), second=a_bridge("vmbr2"))
def test_what_is_written_is_read_back(first: dict[str, object], second: dict[str, object]) -> None:
    written = {**default_interfaces("192.168.0.2/24", "192.168.0.1", mtu=9000), "vmbr1": first, "vmbr2": second}
    assert parse(show(written)) == written


def test_the_host_brings_up_the_bridges_of_its_file() -> None:
    vmbr1 = normalised({"iface": "vmbr1", "type": "bridge", "autostart": 1, "cidr": "10.0.0.2/24", "cidr6": "fd00::2/64"})
    later = normalised({"iface": "vmbr2", "type": "bridge", "cidr": "10.2.0.2/24"})
    text = show({**default_interfaces("192.168.0.2/24", mtu=9000), "vmbr1": vmbr1, "vmbr2": later})
    assert wanted_bridges(text) == {
        "vmbr0": {"mtu": 9000, "addresses": ["192.168.0.2/24"], "ports": ["eno1"]},
        "vmbr1": {"mtu": 1500, "addresses": ["10.0.0.2/24", "fd00::2/64"], "ports": []},
    }
