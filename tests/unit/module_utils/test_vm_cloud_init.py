# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cloud-init values in Proxmox's encoding."""

from __future__ import annotations

import re

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _vm_cloud_init as cloud_init
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from hypothesis import given
from hypothesis import strategies as st

# Proxmox's own check of the stored value.
ACCEPTED = re.compile(r"^[-%a-zA-Z0-9_.!~*'()]*$")
LINES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Cs")), min_size=1)


@given(st.lists(LINES.map(str.strip).filter(bool)))
def test_keys_survive_the_encoding_that_proxmox_accepts(keys: list[str]) -> None:
    encoded = cloud_init.encode_keys(keys)
    assert ACCEPTED.match(encoded)
    assert cloud_init.decode_keys(encoded) == keys


def test_blank_slash_plus_colon_and_at_are_percent_encoded() -> None:
    assert cloud_init.encode_keys(["ssh-rsa A+/= me@host:1"]) == "ssh-rsa%20A%2B%2F%3D%20me%40host%3A1"


def test_a_key_is_shown_by_its_fingerprint() -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1xAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@site"
    shown = cloud_init.fingerprint(key)
    assert shown.startswith("SHA256:") and shown.endswith(" ops@site") and "AAAA" not in shown


def test_addresses_of_both_families_share_one_network() -> None:
    wanted = cloud_init.ip_config(["192.168.0.11/24", "2001:db8::11/64"], ["192.168.0.1", "2001:db8::1"])
    assert wanted == {"ip": "192.168.0.11/24", "gw": "192.168.0.1", "ip6": "2001:db8::11/64", "gw6": "2001:db8::1"}


def test_dhcp_needs_no_prefix() -> None:
    assert cloud_init.ip_config(["dhcp"], []) == {"ip": "dhcp", "gw": None, "ip6": None, "gw6": None}


@pytest.mark.parametrize(
    ("addresses", "gateways", "text"),
    [
        (["10.0.0.1/24", "10.0.0.2/24"], [], "two values for ip"),
        (["10.0.0.300/24"], [], "is not an address"),
        ([], ["10.0.0.1"], "has no IPv4 address beside it"),
        (["10.0.0.1/24"], ["gate"], "gateway 'gate' is not an address"),
    ],
)
def test_what_proxmox_would_drop_silently_is_refused(addresses: list[str], gateways: list[str], text: str) -> None:
    with pytest.raises(InfraError, match=text):
        cloud_init.ip_config(addresses, gateways)
