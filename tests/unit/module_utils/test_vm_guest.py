# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of the table become guests, or one list of all their errors."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest, read_guests

ROW: dict[str, Any] = {
    "vm_id": 111,
    "name": "master-1",
    "pve_node": "pve",
    "cores": 4,
    "memory_mb": 8192,
    "disks": [{"name": "system", "size_gb": 100}],
    "networks": [{"bridge": "vmbr0", "addresses": ["192.168.0.11/24"], "gateway": "192.168.0.1"}],
}


def one(**changes: Any) -> Guest:
    return read_guests([{**ROW, **changes}], {}, {}, {})[0]


def test_a_row_wins_over_the_defaults_and_these_over_the_options() -> None:
    guest = read_guests([{**ROW, "cores": 2}], {"cores": 8, "storage": "fast"}, {"storage": "slow"}, {})[0]
    assert guest.keys["cores"] == 2 and guest.storage == "fast"


def test_a_null_is_not_given() -> None:
    assert "cpu" not in one(cpu_type=None).keys


def test_all_errors_of_all_rows_come_at_once() -> None:
    rows = [
        {**ROW, "cores": "many"},
        {**ROW, "vm_id": 5, "name": "bad name", "networks": [{"addresses": ["x"]}]},
        {**ROW, "vm_id": 112, "disks": [{"size_gb": 10}, {"name": "data"}]},
        {**ROW, "vm_id": 113},
        {**ROW, "vm_id": 113, "ssh_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]},
    ]
    with pytest.raises(ProblemsError) as caught:
        read_guests(rows, {}, {}, {})
    text = str(caught.value)
    for expected in (
        "cores 'many' is not a whole number",
        "vm_id 5 is outside",
        "'bad name' is not a host name",
        "network eth0 has no bridge",
        "disk data has no size_gb",
        "holds a private key",
    ):
        assert expected in text


def test_an_id_a_name_and_an_address_belong_to_one_guest() -> None:
    with pytest.raises(ProblemsError) as caught:
        read_guests([ROW, ROW], {}, {}, {})
    assert caught.value.problems == [
        "vm_id 111 is given to more than one guest",
        "name master-1 is given to more than one guest",
        "address 192.168.0.11 is given to more than one guest",
    ]


def test_a_container_is_refused() -> None:
    with pytest.raises(ProblemsError, match="makes only kind vm"):
        one(kind="lxc")


def test_the_digest_follows_the_desired_state_and_nothing_else() -> None:
    assert one().digest == one().digest == one(pve_node="other", labels={"a": "b"}).digest
    assert one(cores=5).digest != one().digest
    assert len(one().digest) == 8


def test_two_gateways_are_refused() -> None:
    networks = [
        {"bridge": "vmbr0", "addresses": ["192.168.0.11/24"], "gateway": "192.168.0.1"},
        {"bridge": "vmbr1", "addresses": ["10.0.0.11/24"], "gateway": "10.0.0.1"},
    ]
    with pytest.raises(ProblemsError, match="more than one network has a gateway for IPv4"):
        one(networks=networks)


def test_each_family_has_a_gateway_of_its_own_also_on_different_networks() -> None:
    both = {"bridge": "vmbr0", "addresses": ["192.168.0.11/24", "2001:db8::11/64"], "gateway": "192.168.0.1"}
    guest = one(networks=[{**both, "gateway6": "fe80::1"}])
    assert guest.nics[0].address == {"ip": "192.168.0.11/24", "gw": "192.168.0.1", "ip6": "2001:db8::11/64", "gw6": "fe80::1"}
    second = {"bridge": "vmbr1", "addresses": ["2001:db8:1::11/64"], "gateway6": "fe80::1"}
    guest = one(networks=[both, second])
    assert (guest.nics[0].address["gw"], guest.nics[1].address["gw6"]) == ("192.168.0.1", "fe80::1")
    with pytest.raises(ProblemsError, match="more than one network has a gateway for IPv6"):
        one(networks=[{**both, "gateway6": "fe80::1"}, second])
