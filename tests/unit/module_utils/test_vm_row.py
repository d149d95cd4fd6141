# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of guests as anyone may write them: whatever they hold, only our own error comes out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import read_guests
from ansible_collections.detectviz.infra.plugins.module_utils._vm_row import site_problem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEYS = [
    "name",
    "kind",
    "cores",
    "sockets",
    "balloon_mb",
    "memory_mb",
    "cpu_type",
    "machine",
    "bios",
    "scsi_controller",
    "user",
    "on_boot",
    "protection",
    "upgrade",
    "agent",
    "serial",
    "vga",
    "vendor_snippet",
    "startup",
    "nameservers",
    "search_domains",
    "ssh_keys",
    "disks",
    "networks",
    "tags",
    "description",
    "arch",
    "template",
    "storage",
    "full",
    "pool",
    "node_role",
    "pve_node",
    "vm_id",
]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["dhcp", "10.0.0.1/24", "10.0.0.300/24", "::1/64", "on", "order=1", "node\n", "ssh-ed25519 AAAA"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "size_gb", "bridge", "addresses", "gateway", "mtu", "vlan_tag", "mac", "storage"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_whatever_a_row_holds_only_our_own_error_comes_out(changes: dict[str, Any]) -> None:
    try:
        read_guests([{"vm_id": 100, "name": "a", "pve_node": "pve", **changes}], {}, {}, {})
    except ProblemsError as error:
        assert all(problem.startswith("guests[1]") for problem in error.problems)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": "node\n"}, "name 'node\\n' is not a host name"),
        ({"name": "nöde"}, "name 'nöde' is not a host name"),
        ({"vm_id": 10**15}, "is outside 100..999999999"),
        ({"cpu_type": "host,flags=+aes"}, "cpu_type 'host,flags=+aes' is not one word"),
        ({"pve_node": "pve/../other"}, "pve_node 'pve/../other' is not one word"),
        ({"user": "a\nruncmd: [reboot]"}, "is not a login name"),
        (
            {"tags": ["dvz-site-other"]},
            "tag 'dvz-site-other' is one of those by which this collection knows its guests",
        ),
        ({"tags": ["DVZ-deadbeef"]}, "tag 'dvz-deadbeef' is one of those"),
        ({"description": "mine\ndetectviz.infra: site=other guest=1"}, "description has a line 'detectviz.infra:"),
        ({"vendor_snippet": "local:snippets/a,user=local:snippets/b"}, "is not a volume such as local:snippets"),
        ({"vendor_snippet": "local:iso/a.iso"}, "is not a volume such as local:snippets"),
        ({"startup": "order=1,up=soon"}, "is not an order such as 1"),
        ({"nameservers": ["1.1.1.1; reboot"]}, "is not the address of a name server"),
        ({"on_boot": "maybe"}, "on_boot 'maybe' is not yes or no"),
        ({"networks": [{"bridge": "vmbr0,firewall=1"}]}, "networks[0]: bridge 'vmbr0,firewall=1' is not one word"),
        ({"networks": [{"bridge": "vmbr0", "mac": "01:00:5e:00:00:01"}]}, "is a group address"),
        ({"networks": ["vmbr0"]}, "networks is not a list of maps"),
        ({"disks": [{"size_gb": 9, "storage": "a:9,x=1"}]}, "disks[0]: storage 'a:9,x=1' is not one word"),
        ({"template": {"pve": [9000]}}, "template [9000] is not a name, an id"),
    ],
)
def test_words_that_would_mean_more_than_they_say_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        read_guests([{"vm_id": 100, "name": "a", "pve_node": "pve", **changes}], {}, {}, {})
    assert text in str(caught.value)


@pytest.mark.parametrize("name", ["", "my site", "ünï", "..", "a;b", "a\n", "x" * 41, "-a"])
def test_a_site_name_that_cannot_be_a_tag_is_refused(name: str) -> None:
    assert repr(name) in str(site_problem(name))


@pytest.mark.parametrize("name", ["demo", "My-Site", "a.b_c-1", "7"])
def test_ordinary_site_names_are_taken(name: str) -> None:
    assert site_problem(name) is None
