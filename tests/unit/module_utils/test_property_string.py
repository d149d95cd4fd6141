# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Property strings: what is parsed can be printed, and merging keeps what it was not told to change."""

from __future__ import annotations

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _property_string as props
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.from_regex(r"\A[a-z][a-z0-9_\-]{0,8}\Z")
VALUES = st.from_regex(r"\A[A-Za-z0-9:/._\-+;=]{1,12}\Z")
BARE = st.from_regex(r"\A[A-Za-z0-9:/._\-+;]{1,12}\Z")


@given(st.dictionaries(KEYS, VALUES))
def test_what_is_printed_parses_to_the_same_map(values: dict[str, str]) -> None:
    assert props.parse(props.render(values)) == values


@given(st.dictionaries(KEYS.filter(lambda key: key != "file"), VALUES), BARE)
def test_the_default_key_is_printed_bare_and_read_back(values: dict[str, str], bare: str) -> None:
    whole = {"file": bare, **values}
    assert props.parse(props.render(whole, "file"), "file") == whole


@given(st.dictionaries(KEYS, VALUES), st.dictionaries(KEYS, st.none() | VALUES))
def test_merging_twice_changes_nothing_more(present: dict[str, str], wanted: dict[str, str | None]) -> None:
    once = props.merge(present, wanted)
    assert props.merge(once, wanted) == once
    assert {key: value for key, value in once.items() if key not in wanted} == {
        key: value for key, value in present.items() if key not in wanted
    }


@given(st.text(max_size=40))
def test_garbage_is_parsed_or_refused_with_our_own_error(text: str) -> None:
    try:
        props.parse_net(text)
    except props.PropertyStringError:
        pass


def test_a_net_string_keeps_its_mac_when_the_bridge_changes() -> None:
    present = props.parse_net("virtio=bc:24:11:00:00:01,bridge=vmbr0,firewall=1")
    merged = props.merge(present, {"bridge": "vmbr1", "tag": "7"})
    assert props.render_net(merged) == "virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1,tag=7"


def test_order_and_spelling_of_booleans_do_not_count() -> None:
    assert props.same(props.parse("a=1,b=on"), props.parse("b=yes,a=1"))


def test_a_bare_word_without_a_default_key_is_refused() -> None:
    with pytest.raises(props.PropertyStringError, match="'order' is not key=value"):
        props.parse("order")
